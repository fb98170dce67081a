"""Whoever got at the broker writes what they please; people have approved the sounds, so that each message is
wrong in one thing alone."""

import json
import secrets
from datetime import datetime

from loa.protocol.base64url import to_base64url
from loa.protocol.envelope import seal
from loa.protocol.ids import AreaId, WithdrawalId
from loa.protocol.keys import SigningKey
from loa.protocol.programme import Withdrawal
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import to_whole_ms
from tests.attacks.case import Case, Edit, Shown, Stage
from tests.attacks.forge import URGENT
from tests.attacks.sounds import Sample
from tests.flow.times import now

HERE, ELSEWHERE = AreaId("thon-1"), AreaId("thon-2")
NODE = "loa-1"
NO_SIGNATURE = Edit(
    "loa/protocol/envelope.py",
    "        return jws.deserialize_compact(sealed, key.jwk, registry=_registry(), payload=payload)",
    "        if payload is None:\n"
    "            return from_base64url(sealed.split(b'.')[1].decode())\n"
    "        return jws.deserialize_compact(sealed, key.jwk, registry=_registry(), payload=payload)",
)
NO_KEY = Edit(
    "loa/protocol/keys.py",
    "            return self._keys[KeyId(kid)]\n",
    "            return next(iter(self._keys.values()))\n",
)
NO_HEADER = Edit(
    "loa/protocol/envelope.py",
    '        raise MalformedError("the envelope\'s header is not ours")\n',
    "        pass\n",
)

NO_KIND = Edit(
    "loa/protocol/envelope.py",
    """        raise MalformedError(f"the envelope holds {header.get('typ')!r}, not {typ!r}")\n""",
    "        pass\n",
)
NO_SIZE = Edit(
    "loa/protocol/codec.py", "        raise TooLargeError(size_bytes, limit_bytes)\n", "        pass\n"
)
NO_ADDRESS = Edit("loa/protocol/codec.py", "        raise MisaddressedError(expected, found)", "        pass")
NO_OWN_AREA = Edit(
    "loa/node_agent/intake.py",
    "        if not isinstance(said, ConfigPointer) and said.area not in self._areas():\n",
    "        if False:\n",
)
NO_AUDIENCE = Edit(
    "loa/node_agent/core/accept.py", "    if not set(broadcast.audience) & set(areas):\n", "    if False:\n"
)
NO_STALE = Edit("loa/node_agent/core/accept.py", "if message.version < held:", "if False:")
NO_WITHDRAWAL = Edit("loa/schedules/timeline.py", "if play.withdrawn is not None:", "if False:")
NO_FILTER = Edit(
    "loa/node_agent/core/plan.py",
    " if set(seen.said.broadcast.audience) & set(config.areas)]",
    "]",
)
NO_FUTURE = Edit(
    "loa/node_agent/core/accept.py",
    "    if is_sure and message.issued_at > now + MOST_AHEAD:\n",
    "    if False:\n",
)


def forged(stage: Stage, sample: Sample) -> Shown:
    entry = stage.forger.entry(stage.forger.broadcast(sample))
    payload = stage.forger.urgent(entry, key=SigningKey.generate())
    stage.overwrite(URGENT, payload)
    return stage.refused(NODE, payload, "unknown_key")


def altered(stage: Stage, sample: Sample) -> Shown:
    header, _, signature = stage.recorded.split(b".")
    other = stage.forger.urgent(stage.forger.entry(stage.forger.broadcast(sample)))
    payload = b".".join((header, other.split(b".")[1], signature))
    stage.overwrite(URGENT, payload)
    return stage.refused(NODE, payload, "bad_signature")


def unsigned(stage: Stage, sample: Sample) -> Shown:
    signed = stage.forger.urgent(stage.forger.entry(stage.forger.broadcast(sample)))
    claimed = {"alg": "none", "kid": stage.town.key.kid, "typ": "loa-urgent"}
    header = to_base64url(json.dumps(claimed).encode()).encode()
    payload = b".".join((header, signed.split(b".")[1], b""))
    stage.overwrite(URGENT, payload)
    return stage.refused(NODE, payload, "malformed")


def of_another_kind(stage: Stage, sample: Sample) -> Shown:
    """A genuine signature of the controller, made for something that is no urgent message."""
    said = stage.forger.urgent(stage.forger.entry(stage.forger.broadcast(sample)))
    content = stage.forger.content(said)
    payload = seal(content, typ="loa-programme", key=stage.town.key)
    stage.overwrite(URGENT, payload)
    return stage.refused(NODE, payload, "malformed")


def oversized(stage: Stage, sample: Sample) -> Shown:
    said = stage.forger.urgent(stage.forger.entry(stage.forger.broadcast(sample)))
    content = json.loads(stage.forger.content(said)) | {"padding": "x" * 100_000}
    payload = seal(json.dumps(content).encode(), typ="loa-urgent", key=stage.town.key)
    stage.overwrite(URGENT, payload)
    return stage.refused(NODE, payload, "too_large")


def malformed(stage: Stage, _sample: Sample) -> Shown:
    key = stage.town.key
    payloads = [
        b"\x00\xff" * 100,
        b"..",
        seal(b"[" * 2000, typ="loa-urgent", key=key),
        seal(b'{"area":"lang-cong","version":"NaN","entries":[{}]}', typ="loa-urgent", key=key),
        stage.forger.urgent()[:-10],
    ]
    for payload in payloads:
        stage.overwrite(URGENT, payload)
    finds = [stage.refused(NODE, payload, "malformed", "bad_signature") for payload in payloads]
    return lambda: f"{len([find() for find in finds])} incidents at {NODE}: malformed"


def replayed(stage: Stage, sample: Sample) -> Shown:
    """An alarm was withdrawn before this loudspeaker had heard of it, and is sent once more as it was."""
    entry = stage.forger.entry(stage.forger.broadcast(sample))
    payload = stage.forger.urgent(entry)
    withdrawal = Withdrawal(
        id=WithdrawalId(secrets.token_hex(16)), target=entry.id, issued_at=to_whole_ms(now()), by="hoa"
    )
    stage.overwrite(URGENT, stage.forger.urgent(withdrawals=(withdrawal,)))
    stage.overwrite(URGENT, payload)
    return stage.refused(NODE, payload, "stale")


def misaddressed(stage: Stage, sample: Sample) -> Shown:
    broadcast = stage.forger.broadcast(sample, audience=(HERE, ELSEWHERE))
    payload = stage.forger.urgent(stage.forger.entry(broadcast), area=ELSEWHERE)
    stage.overwrite(Topic(Channel.URGENT, HERE), payload)
    return stage.refused(NODE, payload, "misaddressed")


def for_other_areas(stage: Stage, sample: Sample) -> Shown:
    """The alarm that people approved for a village in another commune."""
    broadcast = stage.forger.broadcast(sample, audience=(AreaId("lang-cong-khac"),))
    payload = stage.forger.urgent(entry := stage.forger.entry(broadcast))
    stage.overwrite(URGENT, payload)
    return stage.refused(NODE, entry.id, "not_addressed_here")


def from_2099(stage: Stage, sample: Sample) -> Shown:
    """If it were believed, nothing that the controller says before 2099 would be taken any more."""
    ahead = datetime.fromisoformat("2099-01-01T00:00:00+00:00") - now()
    payload = stage.forger.urgent(stage.forger.entry(stage.forger.broadcast(sample)), ahead=ahead)
    stage.overwrite(URGENT, payload)
    return stage.refused(NODE, payload, "from_the_future")


CASES = (
    Case("forged", "an alarm in an envelope of the attacker's own key", forged, (NO_KEY, NO_SIGNATURE)),
    Case("altered", "a genuine message with another alarm in it", altered, (NO_SIGNATURE,)),
    Case("unsigned", "an alarm whose envelope asks for no signature", unsigned, (NO_HEADER, NO_SIGNATURE)),
    Case(
        "of-another-kind",
        "an alarm that the controller signed as something else",
        of_another_kind,
        (NO_KIND,),
    ),
    Case("replayed", "a genuine alarm that has been withdrawn", replayed, (NO_STALE, NO_WITHDRAWAL)),
    Case("oversized", "an alarm of 100 KB", oversized, (NO_SIZE,)),
    Case(
        "malformed",
        "noise, dots, cut off, nested 2000 deep, numbers that are none",
        malformed,
        unbroken="none of them holds a sound",
    ),
    Case(
        "misaddressed",
        "an alarm for one village under the topic of another",
        misaddressed,
        (NO_ADDRESS, NO_OWN_AREA),
    ),
    Case(
        "for-other-areas",
        "an alarm that was approved for another commune",
        for_other_areas,
        (NO_AUDIENCE, NO_FILTER),
    ),
    Case("from-2099", "an alarm issued in 2099", from_2099, (NO_FUTURE,)),
)
