"""Roster and charter as the database would have them, and in what they differ from those in force."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loa.controller.core.access import Act, permits
from loa.controller.core.passkeys import PersonalKey
from loa.controller.core.people import User
from loa.controller.core.tree import Tree
from loa.protocol.charter import Admission, Appointment, Approver, Charter, Roster
from loa.protocol.ids import AreaId, NodeId, RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.passkey import CredentialId
from loa.protocol.policy import Policy
from loa.schedules.policy import default_policy

ALL_CLASSES = frozenset(BroadcastClass)


class PaperKind(StrEnum):
    """What keepers sign."""

    ROSTER = "roster"
    CHARTER = "charter"


class Change(StrEnum):
    """A difference that keepers are told of before they sign."""

    APPROVER_ADDED = "approver_added"
    APPROVER_REMOVED = "approver_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_VOID = "passkey_void"
    NODE_ADDED = "node_added"
    NODE_REMOVED = "node_removed"
    NODE_MOVED = "node_moved"
    POLICY = "policy"
    ADMISSION = "admission"
    STANDING_ADDED = "standing_added"
    STANDING_REMOVED = "standing_removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One of them; `subject` is an id: of a person, a node, a class, a recording."""

    change: Change
    subject: str = ""
    area: AreaId | None = None
    people: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the database says."""

    area: AreaId
    tree: Tree
    appointed: frozenset[AreaId]
    """All areas with keepers: what lies in a narrower one is none of this area's business."""
    users: Sequence[User]
    keys: Sequence[PersonalKey]
    lost: Sequence[CredentialId]
    standing: frozenset[RecordingId]

    def is_ours(self, area: AreaId) -> bool:
        """Whether this area's keepers are the nearest above it."""
        if area not in self.tree:
            return False
        path = [place.id for place in self.tree.path(area)]
        return next((one for one in reversed(path) if one in self.appointed), None) == self.area


def make_roster(facts: Facts, appointment: Appointment, *, version: int, now: datetime) -> Roster:
    """Everybody who may approve in the area, with every passkey of theirs; the lost ones are void."""
    return Roster(
        area=facts.area,
        version=version,
        issued_at=now,
        approvers=tuple(_approvers(facts, appointment.authority)),
        void=tuple(sorted(facts.lost)),
    )


def make_charter(
    facts: Facts, roster: Roster, held: Charter | None, *, version: int, now: datetime
) -> Charter:
    """The nodes of the area, its policy, and how many people a class needs; `held` is the one in force."""
    nodes = [node for node in facts.tree.nodes_of(facts.area) if facts.is_ours(AreaId(node))]
    return Charter(
        area=facts.area,
        version=version,
        issued_at=now,
        nodes={node: tuple(facts.tree.areas_of(node)) for node in sorted(nodes)},
        policy=facts.tree.policy_of(facts.area) or default_policy(),
        tz=facts.tree.tz_of(facts.area),
        admissions=admissions(roster, held),
        standing=tuple(sorted(facts.standing)),
    )


def admissions(roster: Roster, held: Charter | None) -> dict[BroadcastClass, Admission]:
    """One person for what is planned, two for an emergency unless its recording was heard beforehand.

    As long as nobody ever had a passkey the controller's word lets pass what is normal. It never does so
    again: who owns the controller could take all approvers' roles away, and be believed once more.
    """
    before = held.admissions.get(BroadcastClass.NORMAL) if held else None
    signed = bool(roster.approvers) or (before is not None and before.people > 0)
    return {
        BroadcastClass.NORMAL: Admission(people=1 if signed else 0),
        BroadcastClass.PRIORITY: Admission(people=1),
        BroadcastClass.EMERGENCY: Admission(people=2, people_for_standing=1),
    }


def _approvers(facts: Facts, highest: int) -> Iterator[Approver]:
    keys: dict[str, list[PersonalKey]] = {}
    for key in facts.keys:
        keys.setdefault(key.user_id, []).append(key)
    for user in sorted(facts.users, key=lambda one: one.id):
        grants = sorted(one for one in user.grants if permits(one.role, Act.APPROVE))
        for area in dict.fromkeys(one.area_id for one in grants if facts.is_ours(one.area_id)):
            rank = min(facts.tree.place(area).authority, highest)
            for key in keys.get(user.id, ()) if user.active else ():
                yield Approver(
                    user=user.id,
                    passkey=key.passkey,
                    area=area,
                    classes=ALL_CLASSES,
                    authority=rank,
                    from_at=key.created_at,
                )


def roster_differences(old: Roster | None, new: Roster) -> tuple[Difference, ...]:
    """In the order in which they are told."""
    before, after = _by_person(old), _by_person(new)
    void = set(new.void) - set(old.void if old else ())
    return (
        *(
            Difference(Change.APPROVER_ADDED, user, area)
            for user, area in after
            if (user, area) not in before
        ),
        *(
            Difference(Change.APPROVER_REMOVED, user, area)
            for user, area in before
            if (user, area) not in after
        ),
        *_key_differences(before, after),
        *([Difference(Change.PASSKEY_VOID, people=len(void))] if void else []),
    )


def charter_differences(old: Charter | None, new: Charter) -> tuple[Difference, ...]:
    """In the order in which they are told."""
    nodes: Mapping[NodeId, tuple[AreaId, ...]] = old.nodes if old else {}
    heard = set(old.standing) if old else set()
    return (
        *(
            Difference(Change.ADMISSION, class_.value, people=admission.people)
            for class_, admission in sorted(new.admissions.items())
            if old is None or old.admissions.get(class_) != admission
        ),
        *([Difference(Change.POLICY)] if old is None or _hours(old) != _hours(new) else []),
        *(Difference(Change.NODE_ADDED, node) for node in new.nodes if node not in nodes),
        *(Difference(Change.NODE_REMOVED, node) for node in nodes if node not in new.nodes),
        *(
            Difference(Change.NODE_MOVED, node)
            for node, areas in new.nodes.items()
            if node in nodes and nodes[node] != areas
        ),
        *(Difference(Change.STANDING_ADDED, one) for one in new.standing if one not in heard),
        *(Difference(Change.STANDING_REMOVED, one) for one in sorted(heard - set(new.standing))),
    )


def _hours(charter: Charter) -> tuple[Policy, str]:
    """A policy's hours are those of its time zone."""
    return charter.policy, charter.tz


def _by_person(roster: Roster | None) -> dict[tuple[str, AreaId], frozenset[Approver]]:
    approvers: Iterable[Approver] = roster.approvers if roster else ()
    people: dict[tuple[str, AreaId], frozenset[Approver]] = {}
    for one in approvers:
        person = one.user, one.area
        people[person] = people.get(person, frozenset()) | {one}
    return people


def _key_differences(
    before: Mapping[tuple[str, AreaId], frozenset[Approver]],
    after: Mapping[tuple[str, AreaId], frozenset[Approver]],
) -> Iterator[Difference]:
    for (user, area), lines in after.items():
        if (user, area) not in before:
            continue
        old = before[user, area]
        if lines - old:
            yield Difference(Change.PASSKEY_ADDED, user, area, len(lines - old))
        if old - lines:
            yield Difference(Change.PASSKEY_REMOVED, user, area, len(old - lines))
