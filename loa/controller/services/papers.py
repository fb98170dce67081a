"""Whom nodes are to believe: appointments from the root, rosters and charters for the keepers to sign."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from loa.controller.core.access import Act, Person, may
from loa.controller.core.papers import (
    Difference,
    Facts,
    PaperKind,
    charter_differences,
    make_charter,
    make_roster,
    roster_differences,
)
from loa.controller.core.versions import next_version
from loa.controller.errors import Conflict, ControllerError, Forbidden, Invalid, NotFound
from loa.controller.ports import Clock, Publisher
from loa.controller.services.audit import Audit
from loa.controller.store import papers as store
from loa.controller.store import passkeys
from loa.controller.store.areas import path_of
from loa.controller.store.database import Session, Work
from loa.controller.store.heard import known_nodes
from loa.controller.store.people import all_within
from loa.controller.store.standing_messages import standing_sources
from loa.controller.store.tree import read_tree
from loa.controller.store.trust_tables import AppointmentRow, PaperRow
from loa.protocol.base64url import to_base64url
from loa.protocol.charter import (
    KEEPERS_NEEDED,
    Appointment,
    Charter,
    Keeper,
    Paper,
    Roster,
    verify_appointment,
    verify_paper,
)
from loa.protocol.errors import BadAssertionError, ProtocolError
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import PublicKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.passkey import Assertion, RelyingParty, verify_assertion
from loa.protocol.units import to_ms

MODELS: dict[PaperKind, type[Paper]] = {PaperKind.ROSTER: Roster, PaperKind.CHARTER: Charter}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A paper that waits for keepers, and in what it differs from the one in force."""

    id: str
    kind: PaperKind
    version: int
    challenge: str
    """Base64url: what the keepers' passkeys sign."""
    differences: tuple[Difference, ...]
    signed_by: tuple[str, ...]
    composed_at: datetime
    composed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaTrust:
    """How it stands with an area."""

    area: AreaId
    appointment: Appointment
    is_keeper: bool
    since: datetime | None
    """Since when roster and charter of these keepers, or of those before them, are in force."""
    roster: Roster | None
    charter: Charter | None
    drafts: tuple[Draft, ...]
    lag: tuple[Difference, ...]
    """What the database says by now and neither a paper in force nor one that waits does."""
    lacking: int
    """So many more people with passkeys an emergency would need that is no standing message."""
    holding: frozenset[NodeId]
    """Nodes that have said that they hold the configuration with the papers in force, or a later one."""


class PapersKeeper:
    """Composes, has signed and keeps; believes nothing that a node would not believe."""

    def __init__(
        self,
        *,
        clock: Clock,
        ids: Callable[[], str],
        audit: Audit,
        publisher: Publisher,
        root: PublicKey | None,
        party: RelyingParty | None,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._publisher = publisher
        self._root = root
        self._party = party

    def request(self, session: Session, area: AreaId, users: Sequence[str]) -> Appointment:
        """An appointment of these people, to be sealed with the root key; for the controller's terminal."""
        if self._party is None:
            raise Conflict("no_passkeys_here", "passkeys need https and a name: set LOA_PUBLIC_URL")
        tree = read_tree(session)
        if area not in tree:
            raise NotFound("no_such_area", f"there is no area {area!r}", area=area)
        keepers = tuple(self._keeper(session, user) for user in dict.fromkeys(users))
        if len(keepers) < KEEPERS_NEEDED:
            raise Invalid("too_few_keepers", f"name at least {KEEPERS_NEEDED} keepers")
        last = store.appointment_row(session, area)
        now = self._clock.now()
        return Appointment(
            area=area,
            version=next_version(last=last.version if last else 0, now=now),
            issued_at=now,
            party=self._party,
            authority=tree.place(area).authority,
            keepers=keepers,
        )

    def take(self, work: Work, by: str, sealed: str) -> Appointment:
        """Keep an appointment; its keepers count once they have signed roster and charter."""
        sealed = sealed.strip()
        appointment = self._verified(sealed)
        area = appointment.area
        if area not in read_tree(work.session):
            raise NotFound("no_such_area", f"there is no area {area!r}", area=area)
        last = store.appointment_row(work.session, area)
        if last is not None and last.version >= appointment.version:
            raise Conflict("old_appointment", "a newer appointment of this area is here already")
        work.session.add(
            AppointmentRow(
                area_id=area, version=appointment.version, sealed=sealed, imported_at=self._clock.now()
            )
        )
        store.drop_waiting(work.session, area)
        users = [one.user for one in appointment.keepers]
        self._audit.note(work, by, "trust.appointed", area=area, subject=area, keepers=users)
        return appointment

    def find(self, session: Session, who: Person) -> list[AreaTrust]:
        """The areas of which the person is a keeper or keeps the people."""
        newest = {area: self._appointment(session, area) for area in sorted(store.appointed(session))}
        mine = [one for area, one in newest.items() if self._concerns(session, who, area, one)]
        return [self._trust(session, who, one) for one in mine]

    def compose(self, work: Work, who: Person, area: AreaId) -> None:
        """Roster and charter of what the database says, in the place of those that wait."""
        appointment = self._permitted(work.session, who, area)
        store.drop_waiting(work.session, area)
        for paper in self._made(work.session, appointment):
            kind = PaperKind.ROSTER if isinstance(paper, Roster) else PaperKind.CHARTER
            work.session.add(
                PaperRow(
                    id=self._ids(),
                    area_id=area,
                    kind=kind.value,
                    appointment=appointment.version,
                    document=paper.to_bytes().decode(),
                    signatures="{}",
                    composed_at=self._clock.now(),
                    composed_by=who.user_id,
                )
            )
        work.session.flush()
        self._audit.note(work, who.user_id, "trust.composed", area=area, subject=area)

    def sign(self, work: Work, who: Person, paper_id: str, assertion: Assertion) -> bool:
        """Add a keeper's signature; with enough of them, which is told, the nodes get it.

        Raises `NotFound`, `Forbidden` (no keeper), `Conflict` (replaced or signed meanwhile), `Invalid`.
        """
        row = work.session.get(PaperRow, paper_id)
        if row is None:
            raise NotFound("no_such_paper", "it was composed anew or never was; load the page again")
        area = AreaId(row.area_id)
        appointment = self._permitted(work.session, who, area)
        if row.signed_at is not None or row.appointment != appointment.version:
            raise Conflict("paper_closed", "it is in force already, or there are other keepers by now")
        self._check(work, row, appointment, who, assertion)
        signatures = json.loads(row.signatures) | {who.user_id: assertion.model_dump(mode="json")}
        row.signatures = json.dumps(signatures)
        self._audit.note(work, who.user_id, "trust.signed", area=area, subject=paper_id, kind=row.kind)
        if len(signatures) < KEEPERS_NEEDED:
            return False
        self._close(work, who, row, appointment)
        return True

    def _close(self, work: Work, who: Person, row: PaperRow, appointment: Appointment) -> None:
        signed = store.signed_of(row)
        verify_paper(MODELS[PaperKind(row.kind)], signed, [appointment])
        row.signed_at = self._clock.now()
        work.session.flush()
        area = AreaId(row.area_id)
        if store.in_force(work.session, area) is not None:
            nodes = frozenset(AreaId(node) for node in read_tree(work.session).nodes_of(area))
            work.after_commit(lambda: self._publisher.config_changed(nodes))
        self._audit.note(work, who.user_id, "trust.in_force", area=area, subject=row.id, kind=row.kind)

    def _check(
        self, work: Work, row: PaperRow, appointment: Appointment, who: Person, assertion: Assertion
    ) -> None:
        keeper = next((one for one in appointment.keepers if one.user == who.user_id), None)
        if keeper is None:
            raise Forbidden("no_keeper", "only the keepers of the area sign its papers")
        if not passkeys.note_use(work.session, who.user_id, keeper.passkey.id, self._clock.now()):
            raise Forbidden("passkey_removed", "you have put this passkey away; the root has to name another")
        challenge = MODELS[PaperKind(row.kind)].challenge(row.document.encode())
        try:
            verify_assertion(assertion, keeper.passkey, challenge, appointment.party)
        except BadAssertionError as error:
            raise Invalid("bad_assertion", f"the signature does not hold: {error}") from error

    def _keeper(self, session: Session, user: str) -> Keeper:
        keys = passkeys.passkeys_of(session, {user})
        if not keys:
            raise Invalid("no_passkey", f"{user} has no passkey yet: make one at /me/passkeys", user=user)
        return Keeper(user=user, passkey=keys[0].passkey)

    def _verified(self, sealed: str) -> Appointment:
        if self._root is None:
            raise Conflict("no_root_key", "set LOA_ROOT_KEY to the public part of the root key first")
        try:
            return verify_appointment(sealed, self._root)
        except ProtocolError as error:
            raise Invalid("not_the_root", f"the root key of LOA_ROOT_KEY did not seal it: {error}") from error

    def _appointment(self, session: Session, area: AreaId) -> Appointment | None:
        """The newest, if it is this root's."""
        row = store.appointment_row(session, area)
        try:
            return None if row is None else self._verified(row.sealed)
        except ControllerError:
            return None

    def _concerns(self, session: Session, who: Person, area: AreaId, appointment: Appointment | None) -> bool:
        if appointment is None:
            return False
        keeps = any(one.user == who.user_id for one in appointment.keepers)
        return keeps or may(who, Act.MANAGE_PEOPLE, path_of(session, area))

    def _permitted(self, session: Session, who: Person, area: AreaId) -> Appointment:
        appointment = self._appointment(session, area)
        if appointment is None or not self._concerns(session, who, area, appointment):
            raise NotFound("no_such_paper", "there are no papers of this area for you", area=area)
        return appointment

    def _facts(self, session: Session, area: AreaId) -> Facts:
        users = all_within(session, {area})
        return Facts(
            area=area,
            tree=read_tree(session),
            appointed=frozenset(store.appointed(session)),
            users=users,
            keys=passkeys.passkeys_of(session, {one.id for one in users}),
            lost=self._lost(session, area, {one.id for one in users}),
            standing=frozenset(one.recording for one in standing_sources(session).values()),
        )

    def _lost(self, session: Session, area: AreaId, users: set[str]) -> list[str]:
        """Lost passkeys of these people, and of those who stood on the area's roster before."""
        held = store.in_force(session, area)
        roster = Roster.from_bytes(held.roster.document) if held else None
        known = {*roster.void, *(one.passkey.id for one in roster.approvers)} if roster else set()
        return passkeys.lost_credentials(session, users, known)

    def _made(self, session: Session, appointment: Appointment) -> tuple[Roster, Charter]:
        """What would be composed now."""
        facts, now = self._facts(session, appointment.area), self._clock.now()
        held = store.in_force(session, appointment.area)
        last = max((_version(row) for row in (held.roster, held.charter)), default=0) if held else 0
        version = next_version(last=last, now=now)
        try:
            roster = make_roster(facts, appointment, version=version, now=now)
            before = Charter.from_bytes(held.charter.document) if held else None
            return roster, make_charter(facts, roster, before, version=version, now=now)
        except ValidationError as error:
            raise Invalid(
                "too_many_for_papers", "too many approvers or nodes for one area: name keepers further below"
            ) from error

    def _trust(self, session: Session, who: Person, appointment: Appointment | None) -> AreaTrust:
        assert appointment is not None  # noqa: S101 -- `_concerns` has let it pass
        area = appointment.area
        held = store.in_force(session, area)
        roster = Roster.from_bytes(held.roster.document) if held else None
        charter = Charter.from_bytes(held.charter.document) if held else None
        drafts = tuple(_draft(row, roster, charter) for row in store.waiting(session, area))
        since = max(_since(held.roster), _since(held.charter)) if held else None
        made = self._made(session, appointment)
        return AreaTrust(
            area=area,
            appointment=appointment,
            is_keeper=any(one.user == who.user_id for one in appointment.keepers),
            since=since,
            roster=roster,
            charter=charter,
            drafts=drafts,
            lag=_lag(made, roster, charter, store.waiting(session, area)),
            lacking=_lacking(*made),
            holding=_holding(session, charter, since),
        )


def _lag(
    made: tuple[Roster, Charter], roster: Roster | None, charter: Charter | None, waiting: list[PaperRow]
) -> tuple[Difference, ...]:
    for row in waiting:
        if row.kind == PaperKind.ROSTER:
            roster = Roster.from_bytes(row.document)
        else:
            charter = Charter.from_bytes(row.document)
    return (*roster_differences(roster, made[0]), *charter_differences(charter, made[1]))


def _lacking(roster: Roster, charter: Charter) -> int:
    able = {one.user for one in roster.approvers}
    return max(0, charter.admissions[BroadcastClass.EMERGENCY].people - len(able))


def _draft(row: PaperRow, roster: Roster | None, charter: Charter | None) -> Draft:
    kind, content = PaperKind(row.kind), row.document.encode()
    if kind is PaperKind.ROSTER:
        differences = roster_differences(roster, Roster.from_bytes(content))
    else:
        differences = charter_differences(charter, Charter.from_bytes(content))
    return Draft(
        id=row.id,
        kind=kind,
        version=_version(row),
        challenge=to_base64url(MODELS[kind].challenge(content)),
        differences=differences,
        signed_by=tuple(json.loads(row.signatures)),
        composed_at=row.composed_at,
        composed_by=row.composed_by,
    )


def _holding(session: Session, charter: Charter | None, since: datetime | None) -> frozenset[NodeId]:
    """A configuration's version is at least its instant: what is newer than the papers holds them."""
    if charter is None or since is None:
        return frozenset()
    known = known_nodes(session, charter.nodes)
    return frozenset(one.node for one in known if one.state and one.state.config >= to_ms(since))


def _version(row: PaperRow) -> int:
    return MODELS[PaperKind(row.kind)].from_bytes(row.document).version


def _since(row: PaperRow) -> datetime:
    return row.signed_at or row.composed_at
