"""People with passkeys, and the papers that they sign: root, keepers, roster, charter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from loa.protocol.broadcast import Broadcast, Entry, PasskeyApproval
from loa.protocol.charter import (
    Admission,
    Appointment,
    Approver,
    Charter,
    Keeper,
    Paper,
    Papers,
    Roster,
    Signed,
    appoint,
)
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.schedules.policy import default_policy
from tests.passkeys import PARTY, SoftPasskey

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
NORMAL, PRIORITY, EMERGENCY = BroadcastClass.NORMAL, BroadcastClass.PRIORITY, BroadcastClass.EMERGENCY
ALL = frozenset(BroadcastClass)
ADMISSIONS = {
    NORMAL: Admission(people=1),
    PRIORITY: Admission(people=1),
    EMERGENCY: Admission(people=2, people_for_standing=1),
}


@dataclass
class House:
    """An area with its keepers; everybody's passkey by name."""

    area: AreaId
    root: SigningKey = field(default_factory=SigningKey.generate)
    authority: int = 20
    passkeys: dict[str, SoftPasskey] = field(default_factory=dict)

    def passkey(self, user: str) -> SoftPasskey:
        return self.passkeys.setdefault(user, SoftPasskey())

    def appointment(self, *keepers: str, version: int = 1, area: AreaId | None = None) -> str:
        """The root names these keepers (kim and lam unless told otherwise)."""
        named = tuple(Keeper(user=one, passkey=self.passkey(one).public) for one in keepers or ("kim", "lam"))
        appointment = Appointment(
            area=area or self.area,
            version=version,
            issued_at=BEGINNING,
            party=PARTY,
            authority=self.authority,
            keepers=named,
        )
        return appoint(appointment, self.root)

    def approver(self, user: str, **changes: object) -> Approver:
        facts: dict[str, object] = {
            "user": user,
            "passkey": self.passkey(user).public,
            "area": self.area,
            "classes": ALL,
            "authority": self.authority,
            "from_at": BEGINNING,
        }
        return Approver.model_validate(facts | changes)

    def roster(self, *approvers: Approver, version: int = 1, **changes: object) -> Roster:
        facts: dict[str, object] = {"area": self.area, "version": version, "issued_at": BEGINNING}
        return Roster.model_validate(facts | {"approvers": approvers} | changes)

    def charter(self, node: NodeId, areas: Sequence[AreaId], version: int = 1, **changes: object) -> Charter:
        facts: dict[str, object] = {
            "area": self.area,
            "version": version,
            "issued_at": BEGINNING,
            "nodes": {node: tuple(areas)},
            "policy": default_policy(),
            "admissions": ADMISSIONS,
        }
        return Charter.model_validate(facts | changes)

    def signed(self, paper: Paper, *keepers: str) -> Signed:
        """The paper with the keepers' signatures (kim's and lam's unless told otherwise)."""
        content = paper.to_bytes()
        by = {one: self.passkey(one).sign(paper.challenge(content)) for one in keepers or ("kim", "lam")}
        return Signed(document=content.decode(), signatures=by)

    def papers(self, roster: Roster, charter: Charter) -> Papers:
        return Papers(
            appointments=(self.appointment(),),
            rosters=(self.signed(roster),),
            charter=self.signed(charter),
        )

    def approval(self, broadcast: Broadcast, user: str, at: datetime) -> PasskeyApproval:
        assertion = self.passkey(user).sign(bytes.fromhex(broadcast.id))
        return PasskeyApproval(approver=user, approved_at=at, assertion=assertion)

    def entry(self, broadcast: Broadcast, *users: str, at: datetime) -> Entry:
        approvals = tuple(self.approval(broadcast, user, at) for user in users)
        return Entry(document=broadcast.to_bytes().decode(), approvals=approvals, issued_at=at)
