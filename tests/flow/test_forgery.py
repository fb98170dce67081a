"""Somebody got at the broker of nodes without a root key: what is forged, and what is old, never sounds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from loa.protocol.broadcast import Broadcast, Entry, RecordingSource, approve
from loa.protocol.codec import encode
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Urgent
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs, to_ms
from loa.protocol.when import When
from tests.flow.ears import Sound, make_sound
from tests.flow.intruder import Intruder
from tests.flow.times import local, now, seconds, soon
from tests.flow.village import Loudspeaker, Village

pytestmark = [pytest.mark.flow, pytest.mark.timeout(200)]

AREA = AreaId("lang-cong")
URGENT = Topic(Channel.URGENT, AREA)
PROGRAMME = Topic(Channel.PROGRAMME, AREA)


@dataclass(frozen=True, slots=True)
class Scene:
    """A village with one loudspeaker, which has the sound of a false alarm on its disk."""

    village: Village
    node: Loudspeaker
    alarm: Sound
    source: RecordingSource
    genuine: Sound
    genuine_recording: RecordingId

    def alarm_now(self, *, envelope: SigningKey, approval: SigningKey) -> bytes:
        """An urgent message that would sound the alarm in two seconds."""
        at = now().replace(microsecond=0)
        broadcast = Broadcast(
            bulletin="forged",
            created_at=at,
            title="Báo động",
            field="other",
            class_=BroadcastClass.EMERGENCY,
            source=self.source,
            audience=(AREA,),
            when=When(start_local=local(at + seconds(2))),
            issuer=AREA,
            authority=100,
            not_after_ms=DurationMs(600_000),
            last_end_ms=DurationMs(900_000),
        )
        approved = approve(broadcast, approver="hoa", approved_at=at, key=approval)
        entry = Entry(document=broadcast.to_bytes().decode(), approvals=(approved,), issued_at=at)
        return encode(
            URGENT, Urgent(area=AREA, version=to_ms(now()), issued_at=at, entries=(entry,)), envelope
        )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Village.founded(tmp_path_factory.mktemp("forgery")) as village:
        node = village.add_node("loa-1", "thon-1")
        alarm = make_sound(village.folder / "alarm.wav", 2, seed=21)
        genuine = make_sound(village.folder / "genuine.wav", 2, seed=22)
        office = village.office
        recordings = office.upload(alarm), office.upload(genuine)
        # planned for tomorrow, so that the loudspeaker has both sounds today
        for recording in recordings:
            office.announce(recording, at=soon(86_400))
        node.holds(*recordings)
        yield Scene(village, node, alarm, office.source(recordings[0]), genuine, recordings[1])


@pytest.fixture
def intruder(scene: Scene) -> Iterator[Intruder]:
    with scene.village.intruder() as inside:
        yield inside


def in_signature(scene: Scene) -> bytes:
    """One bit of it is another."""
    signed, _, signature = _genuine(scene).rpartition(b".")
    changed = bytearray(signature)
    changed[len(changed) // 2] ^= 1
    return signed + b"." + bytes(changed)


def by_a_stranger(scene: Scene) -> bytes:
    stranger = SigningKey.generate()
    return scene.alarm_now(envelope=stranger, approval=stranger)


def approved_by_a_stranger(scene: Scene) -> bytes:
    return scene.alarm_now(envelope=scene.village.key, approval=SigningKey.generate())


def _genuine(scene: Scene) -> bytes:
    key = scene.village.key
    return scene.alarm_now(envelope=key, approval=key)


@pytest.mark.parametrize(
    ("forge", "reasons"),
    [
        (in_signature, {"bad_signature"}),
        (approved_by_a_stranger, {"unapproved"}),
    ],
)
def test_a_forged_alarm_is_refused_and_shown_and_the_genuine_one_after_it_sounds(
    scene: Scene, intruder: Intruder, forge: Callable[[Scene], bytes], reasons: set[str]
) -> None:
    since = now()
    intruder.publish(str(URGENT), forge(scene))
    incident = scene.village.office.awaits_refusal(scene.node.name, since)
    assert incident["reason"] in reasons
    assert incident["topic"] == str(URGENT)
    _only_the_genuine_one_sounds(scene, since)


def test_the_same_alarm_would_sound_if_it_were_genuine(scene: Scene, intruder: Intruder) -> None:
    since = now()
    intruder.publish(str(URGENT), _genuine(scene))
    scene.node.ear.waits_until(now() + seconds(6))
    assert len(scene.node.ear.starts(scene.alarm, since, now())) == 1


def test_an_old_alarm_sent_again_stays_silent(scene: Scene, intruder: Intruder) -> None:
    """It was withdrawn while the loudspeaker was off, which therefore never knew of it."""
    office, node = scene.village.office, scene.node
    node.kill()
    withdrawn = office.emergency(scene.source.recording)
    with scene.village.listener(node) as listener:
        old = listener.retained(str(URGENT))
        office.withdraw(withdrawn)
    node.start()
    office.awaits_online(node.name)
    since = now()
    intruder.publish(str(URGENT), old)
    assert office.awaits_refusal(node.name, since)["reason"] == "stale"
    _only_the_genuine_one_sounds(scene, since)


def test_an_old_pointer_sent_again_changes_nothing(scene: Scene, intruder: Intruder) -> None:
    office, node = scene.village.office, scene.node
    with scene.village.listener(node) as listener:
        old = listener.retained(str(PROGRAMME))
    later = office.announce(scene.genuine_recording, at=soon(86_400))
    office.awaits_delivery(later, node.name)
    since = now()
    intruder.publish(str(PROGRAMME), old)
    assert office.awaits_refusal(node.name, since)["reason"] == "stale"
    _only_the_genuine_one_sounds(scene, since)


def test_a_forged_message_that_the_broker_keeps_is_refused_after_a_restart_too(
    scene: Scene, intruder: Intruder
) -> None:
    intruder.publish(str(URGENT), by_a_stranger(scene))
    since = now()
    scene.node.restart()
    assert scene.village.office.awaits_refusal(scene.node.name, since)["reason"] == "unknown_key"
    _only_the_genuine_one_sounds(scene, since)


def _only_the_genuine_one_sounds(scene: Scene, since: datetime) -> None:
    announced = scene.village.office.emergency(scene.genuine_recording)
    ear = scene.node.ear
    until = announced.first_at + scene.genuine.length + seconds(2)
    ear.waits_until(until)
    assert len(ear.starts(scene.genuine, announced.first_at - seconds(1), until)) == 1
    assert ear.starts(scene.alarm, since, until) == []
