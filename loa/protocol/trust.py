"""What a node believes, worked out from its papers; whether a broadcast has the approvals that it needs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from loa.protocol.broadcast import Approval, Entry, PasskeyApproval, is_vouched_for
from loa.protocol.charter import (
    Admission,
    Appointment,
    Approver,
    Charter,
    Papers,
    Roster,
    Signed,
    verify_appointment,
    verify_paper,
)
from loa.protocol.errors import BadAssertionError, UnapprovedError, UncharteredError, UntrustedError
from loa.protocol.ids import AreaId, NodeId, RecordingId
from loa.protocol.keys import KeyRing, PublicKey
from loa.protocol.passkey import CredentialId, RelyingParty, verify_assertion
from loa.protocol.succession import follow

_Carried = TypeVar("_Carried", str, Signed)
"""A paper as it travels."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one line of a roster allows, and the console at which that person signs."""

    approver: Approver
    party: RelyingParty


@dataclass(frozen=True, slots=True)
class Trust:
    """The papers of one node, verified."""

    charter: Charter
    areas: tuple[AreaId, ...]
    """Of the node, from the widest to the narrowest."""
    grants: Mapping[CredentialId, tuple[Grant, ...]]
    void: frozenset[CredentialId]

    def needed(self, entry: Entry) -> Admission | None:
        """What the class of the entry needs; None: it does not sound here at all."""
        return self.charter.admissions.get(entry.broadcast.class_)


def trust_in(papers: Papers, *, root: PublicKey, node: NodeId) -> Trust:
    """What the papers say of this node; a `ProtocolError` if anything in them does not hold.

    `root` is the key that the node was given, whichever it has become by successions.
    """
    root = follow(root, papers.successions).root
    appointments = [verify_appointment(one, root) for one in papers.appointments]
    charter = verify_paper(Charter, papers.charter, appointments) if papers.charter else None
    if charter is None or node not in charter.nodes:
        raise UncharteredError(node)
    areas = charter.nodes[node]
    rosters = [verify_paper(Roster, one, appointments) for one in papers.rosters]
    mine = [one for one in rosters if one.area in areas]
    return Trust(
        charter=charter,
        areas=areas,
        grants=_grants(mine, appointments, areas),
        void=frozenset(credential for roster in mine for credential in roster.void),
    )


def check_approvals(entry: Entry, trust: Trust, keys: KeyRing) -> None:
    """Return if the entry carries what it needs here, else `UnapprovedError` with what is missing.

    `keys` are the controller's: its word counts where the charter lets it.
    """
    admission = trust.needed(entry)
    if admission is None:
        raise UnapprovedError(entry.id, f"class {entry.broadcast.class_} does not sound here")
    users, needed = signers(entry, trust), people_needed(admission, entry.broadcast.source.recording, trust)
    if needed == 0 and not users and not is_vouched_for(entry, keys):
        raise UnapprovedError(entry.id, "nobody vouches for it")
    if len(users) < needed:
        raise UnapprovedError(entry.id, f"{len(users)} of {needed} approvers have signed it")


def signers(entry: Entry, trust: Trust) -> frozenset[str]:
    """Who has signed the entry with a passkey, and with the right to do so here."""
    return frozenset(user for approval in entry.approvals for user in _signers(entry, approval, trust))


def people_needed(admission: Admission, recording: RecordingId | None, trust: Trust) -> int:
    """How many have to: fewer where the keepers have heard the recording."""
    if admission.people_for_standing and recording in trust.charter.standing:
        return min(admission.people, admission.people_for_standing)
    return admission.people


def _signers(entry: Entry, approval: Approval, trust: Trust) -> Iterator[str]:
    """Whom the approval shows to have signed the entry with the right to do so; one name or none."""
    if not isinstance(approval, PasskeyApproval) or approval.assertion.credential in trust.void:
        return
    challenge = bytes.fromhex(entry.id)
    for grant in trust.grants.get(approval.assertion.credential, ()):
        if not _allows(grant.approver, entry, approval, trust):
            continue
        try:
            verify_assertion(approval.assertion, grant.approver.passkey, challenge, grant.party)
        except BadAssertionError:
            continue
        yield grant.approver.user


def _allows(approver: Approver, entry: Entry, approval: Approval, trust: Trust) -> bool:
    broadcast, at = entry.broadcast, approval.approved_at
    is_in_time = approver.from_at <= at and (approver.until_at is None or at <= approver.until_at)
    may = broadcast.class_ in approver.classes and broadcast.authority <= approver.authority
    return is_in_time and may and approver.area in trust.areas


def _grants(
    rosters: Iterable[Roster], appointments: Iterable[Appointment], areas: Sequence[AreaId]
) -> dict[CredentialId, tuple[Grant, ...]]:
    """By credential; a roster gives nothing above its own area, and no rank above its keepers'."""
    by_area = {one.area: one for one in appointments}
    grants: defaultdict[CredentialId, list[Grant]] = defaultdict(list)
    for roster in rosters:
        appointment = by_area[roster.area]
        below = set(areas[areas.index(roster.area) :])
        for one in roster.approvers:
            if one.area in below:
                rank = min(one.authority, appointment.authority)
                capped = one.model_copy(update={"authority": rank})
                grants[one.passkey.id].append(Grant(capped, appointment.party))
    return {credential: tuple(found) for credential, found in grants.items()}


def check_word(entry: Entry, keys: KeyRing) -> None:
    """Return if the controller vouches for the entry, else `UnapprovedError`; for nodes without a root."""
    if not is_vouched_for(entry, keys):
        raise UnapprovedError(entry.id, "nobody vouches for it")


def newest(held: Papers | None, arrived: Papers, root: PublicKey) -> Papers:
    """Of each paper the newer one; nothing goes back. Raises a `ProtocolError` for what is not the root's.

    Charters are compared whatever their area, so that a node that was moved is not moved back by an old one.
    Under another root, named by the last or enrolled anew, nothing counts that only the last has sealed.
    """
    if held is None:
        return arrived
    before = follow(root, held.successions)
    now = follow(before.root, arrived.successions)
    still = [sealed for sealed in held.appointments if _is_sealed_by(now.root, sealed)]
    appointments = _newest(
        (verify_appointment(sealed, now.root), sealed) for sealed in (*arrived.appointments, *still)
    )
    rosters = _newest((Roster.from_bytes(one.content), one) for one in (*arrived.rosters, *held.rosters))
    return Papers(
        successions=(*before.steps, *now.steps),
        appointments=appointments,
        rosters=rosters,
        charter=_newer(held.charter, arrived.charter),
    )


def _is_sealed_by(root: PublicKey, sealed: str) -> bool:
    try:
        verify_appointment(sealed, root)
    except UntrustedError:
        return False
    return True


def _newer(held: Signed | None, arrived: Signed | None) -> Signed | None:
    if held is None or arrived is None:
        return arrived or held
    versions = [Charter.from_bytes(one.content).version for one in (held, arrived)]
    return arrived if versions[1] > versions[0] else held


def _newest(papers: Iterable[tuple[Appointment | Roster, _Carried]]) -> tuple[_Carried, ...]:
    best: dict[AreaId, tuple[int, _Carried]] = {}
    for paper, carried in papers:
        if paper.area not in best or best[paper.area][0] <= paper.version:
            best[paper.area] = paper.version, carried
    return tuple(carried for _, (_, carried) in sorted(best.items()))
