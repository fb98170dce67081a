"""Approval by passkey: what has to be signed, by how many, and whether a node would believe it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Person
from loa.controller.errors import Conflict, Forbidden, Invalid
from loa.controller.ports import Clock
from loa.controller.store.database import Session
from loa.controller.store.papers import binder
from loa.controller.store.passkeys import note_use, passkeys_of
from loa.controller.store.tree import read_tree
from loa.protocol.base64url import to_base64url
from loa.protocol.broadcast import Broadcast, Entry, PasskeyApproval
from loa.protocol.charter import Papers
from loa.protocol.errors import MalformedError, ProtocolError
from loa.protocol.ids import AreaId, NodeId, RecordingId
from loa.protocol.keys import PublicKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.passkey import Assertion
from loa.protocol.trust import Trust, people_needed, signers, trust_in

LASTING = timedelta(minutes=10)
"""So old what is signed may be: long enough to read it, and for a second person to be called."""
AHEAD = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A document, and the assertion of the person who approves it."""

    document: str
    assertion: Assertion


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSign:
    """What is handed to the person's passkey."""

    document: str
    challenge: str
    """Base64url of the document's SHA-256."""
    party: str
    credentials: tuple[str, ...]
    needed: int
    """So many people have to sign it."""
    signed_by: tuple[str, ...]


class Signatures:
    """Without papers in force for the audience nobody has to sign, and everything is as it was."""

    def __init__(self, *, clock: Clock, root: PublicKey | None) -> None:
        self._clock = clock
        self._root = root

    def needed(
        self,
        session: Session,
        class_: BroadcastClass,
        audience: tuple[AreaId, ...],
        recording: RecordingId | None,
    ) -> int:
        """How many people have to sign it; 0: the controller's word is enough.

        Raises `Conflict` where the charter lets no broadcast of its class sound.
        """
        trusts = self._trusts(session, audience)
        return max((_needed(trust, class_, recording) for trust in trusts), default=0)

    def to_sign(
        self, session: Session, who: Person, broadcast: Broadcast, before: tuple[PasskeyApproval, ...]
    ) -> ToSign | None:
        """None where nobody has to; raises `Forbidden` where the person's signature would count nowhere."""
        trusts = self._asking(session, broadcast)
        if not trusts:
            return None
        usable = {one.passkey.id for one in passkeys_of(session, {who.user_id})}
        grants = [grant for trust in trusts for key in usable for grant in trust.grants.get(key, ())]
        if not grants:
            raise _not_on_the_roster()
        return ToSign(
            document=broadcast.to_bytes().decode(),
            challenge=to_base64url(bytes.fromhex(broadcast.id)),
            party=grants[0].party.id,
            credentials=tuple(sorted({grant.approver.passkey.id for grant in grants})),
            needed=max(_needed_by(trust, broadcast) for trust in trusts),
            signed_by=tuple(one.approver for one in before),
        )

    def approval(
        self, session: Session, who: Person, broadcast: Broadcast, assertion: Assertion, now: datetime
    ) -> PasskeyApproval:
        """The person's approval, if every node of the audience with a charter would count it.

        Raises `Forbidden` for a passkey that is not the person's, or whom no roster lets approve this.
        """
        if not note_use(session, who.user_id, assertion.credential, now):
            raise _not_on_the_roster()
        approval = PasskeyApproval(approver=who.user_id, approved_at=now, assertion=assertion)
        entry = entry_of(broadcast, (approval,), now)
        if any(signers(entry, trust) != {who.user_id} for trust in self._asking(session, broadcast)):
            raise _not_on_the_roster()
        return approval

    def missing(
        self, session: Session, broadcast: Broadcast, approvals: tuple[PasskeyApproval, ...], now: datetime
    ) -> int:
        """So many more people have to sign, as the nodes count."""
        entry = entry_of(broadcast, approvals, now)
        trusts = self._asking(session, broadcast)
        return max((_needed_by(one, broadcast) - len(signers(entry, one)) for one in trusts), default=0)

    def _asking(self, session: Session, broadcast: Broadcast) -> list[Trust]:
        """Those that want it signed."""
        trusts = self._trusts(session, broadcast.audience)
        return [one for one in trusts if _needed_by(one, broadcast) > 0]

    def _trusts(self, session: Session, audience: tuple[AreaId, ...]) -> list[Trust]:
        """One for each charter under which the audience stands; none costs nothing."""
        papers = binder(session)
        if self._root is None or not papers.by_area:
            return []
        tree = read_tree(session)
        chartered: dict[AreaId, NodeId] = {}
        known = tuple(area for area in audience if area in tree)
        for node in sorted(tree.nodes_within(known)):
            area = papers.charter_of(node, tree.areas_of(node))
            if area is not None:
                chartered.setdefault(area, node)
        found = {node: papers.of(node, tree.areas_of(node)) for node in chartered.values()}
        return [_believed(given, self._root, node) for node, given in found.items() if given is not None]


def read_signed(document: str, now: datetime) -> Broadcast:
    """What the person has signed, if that is not long ago; raises `Invalid`, `Conflict`."""
    try:
        broadcast = Broadcast.from_bytes(document)
    except MalformedError as error:
        raise Invalid("bad_document", "what was signed is no broadcast") from error
    if not now - LASTING <= broadcast.created_at <= now + AHEAD:
        raise Conflict("signed_long_ago", "what was signed is more than 10 minutes old; sign it again")
    return broadcast


def entry_of(broadcast: Broadcast, approvals: tuple[PasskeyApproval, ...], now: datetime) -> Entry:
    """As a node gets it."""
    return Entry(document=broadcast.to_bytes().decode(), approvals=approvals, issued_at=now)


def _needed(trust: Trust, class_: BroadcastClass, recording: RecordingId | None) -> int:
    admission = trust.charter.admissions.get(class_)
    if admission is None:
        raise Conflict("class_not_admitted", f"the charter lets no {class_} sound", **{"class": class_})
    return people_needed(admission, recording, trust)


def _needed_by(trust: Trust, broadcast: Broadcast) -> int:
    return _needed(trust, broadcast.class_, broadcast.source.recording)


def _believed(papers: Papers, root: PublicKey, node: NodeId) -> Trust:
    try:
        return trust_in(papers, root=root, node=node)
    except ProtocolError as error:
        raise Conflict("papers_broken", f"no node believes the papers in force: {error}") from error


def _not_on_the_roster() -> Forbidden:
    return Forbidden("not_on_roster", "no roster in force lets a passkey of yours approve this")
