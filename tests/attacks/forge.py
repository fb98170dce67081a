"""Messages as an attacker makes them: whole, and wrong in one thing."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from loa.protocol.base64url import from_base64url
from loa.protocol.broadcast import Approval, Broadcast, Entry, PasskeyApproval, approve
from loa.protocol.codec import encode
from loa.protocol.ids import AreaId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Urgent, Withdrawal
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs, to_ms, to_whole_ms
from loa.protocol.when import When
from tests.attacks.people import Person
from tests.attacks.sounds import Sample
from tests.attacks.town import APPROVERS, Town
from tests.flow.office import COMMUNE
from tests.flow.times import local, now, seconds, soon

AREA = AreaId(COMMUNE)
URGENT = Topic(Channel.URGENT, AREA)
_LEAD_S = 0.3


class Forger:
    """Has whatever keys the town has; each case says which of them were stolen."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._last = 0

    def broadcast(self, sample: Sample, *, at: datetime | None = None, **changes: object) -> Broadcast:
        """An alarm for the whole commune in about a second, unless told otherwise."""
        begins = at or soon(_LEAD_S)
        facts: Mapping[str, object] = {
            "bulletin": "forged",
            "created_at": to_whole_ms(now()),
            "title": "Báo động",
            "field": "other",
            "class_": BroadcastClass.EMERGENCY,
            "source": sample.source,
            "audience": (AREA,),
            "when": When(start_local=local(begins)),
            "issuer": AREA,
            "authority": self._town.authority,
            "not_after_ms": DurationMs(600_000),
            "last_end_ms": DurationMs(900_000),
        }
        return Broadcast.model_validate({**facts, **changes}, by_name=True)

    def entry(self, broadcast: Broadcast, *approvals: Approval, issued_at: datetime | None = None) -> Entry:
        """With these approvals; without any, with those of the people who may approve it."""
        given = approvals or tuple(self.by(name, broadcast) for name in APPROVERS)
        at = to_whole_ms(issued_at or now())
        return Entry(document=broadcast.to_bytes().decode(), approvals=given, issued_at=at)

    def by(self, name: str, broadcast: Broadcast, *, at: datetime | None = None) -> PasskeyApproval:
        """The approval by that person's passkey."""
        return self.of(self._town.people[name], broadcast, at=at)

    def of(
        self, person: Person, broadcast: Broadcast, *, at: datetime | None = None, origin: str | None = None
    ) -> PasskeyApproval:
        """The approval by somebody's passkey, given at another console if told so."""
        challenge = bytes.fromhex(broadcast.id)
        assertion = person.passkey.sign(challenge, party=self._town.party, origin=origin)
        return PasskeyApproval(
            approver=person.name, approved_at=to_whole_ms(at or now()), assertion=assertion
        )

    def word(self, broadcast: Broadcast, key: SigningKey | None = None) -> Approval:
        """The controller's word that the leader approved it."""
        return approve(
            broadcast, approver=APPROVERS[0], approved_at=to_whole_ms(now()), key=key or self._town.key
        )

    def urgent(
        self,
        *entries: Entry,
        withdrawals: tuple[Withdrawal, ...] = (),
        area: AreaId = AREA,
        ahead: timedelta = timedelta(0),
        key: SigningKey | None = None,
    ) -> bytes:
        """An urgent message of now, or of a time ahead, in the controller's envelope."""
        issued_at = to_whole_ms(now() + ahead)
        said = Urgent(
            area=area,
            version=self._version(issued_at),
            issued_at=issued_at,
            entries=entries,
            withdrawals=withdrawals,
        )
        return encode(Topic(Channel.URGENT, area), said, key or self._town.key)

    @staticmethod
    def content(payload: bytes) -> bytes:
        """What is in an envelope."""
        return from_base64url(payload.split(b".")[1].decode())

    def _version(self, issued_at: datetime) -> int:
        """Of several in a millisecond each has one of its own."""
        version = to_ms(issued_at)
        if issued_at > now() + seconds(3600):
            return version
        self._last = max(self._last + 1, version)
        return self._last
