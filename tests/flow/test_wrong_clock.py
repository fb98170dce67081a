"""A loudspeaker without a clock battery wakes up in 1970, while somebody plays last year's alarm again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from loa.audio.find import Signal, find, level_dbfs
from loa.protocol.broadcast import Broadcast, Entry, RecordingSource, approve
from loa.protocol.codec import encode
from loa.protocol.ids import AreaId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Urgent
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs, to_ms
from loa.protocol.when import When
from tests.flow.ears import CERTAIN, HEARING_HZ, SILENT_DBFS, Sound, make_sound
from tests.flow.office import Announced, Json
from tests.flow.times import local, now, seconds, soon
from tests.flow.village import Loudspeaker, Village
from tests.machines import Keeper
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(400)]

AREA = AreaId("lang-cong")
URGENT = Topic(Channel.URGENT, AREA)
ON_TIME = timedelta(milliseconds=300)
LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scene:
    """A village with one loudspeaker, which has all sounds on its disk, and two announcements."""

    village: Village
    node: Loudspeaker
    notice: Sound
    flood: Sound
    last_year: Sound
    sources: tuple[RecordingSource, RecordingSource]
    missed: Announced
    played: Announced


@pytest.fixture
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Village.founded(tmp_path_factory.mktemp("wrong-clock"), broker_apart=True) as village:
        node = village.add_node("loa-1", "thon-1")
        notice, flood, last_year = (
            make_sound(village.folder / f"{seed}.wav", 3, seed=seed) for seed in (51, 52, 53)
        )
        office = village.office
        recordings = [office.upload(sound) for sound in (notice, flood, last_year)]
        # planned for tomorrow, so that the loudspeaker has the sounds of the alarms today
        for recording in recordings[1:]:
            office.announce(recording, at=soon(86_400))
        first_at = soon(25 + 4 * node.boot_s)
        missed = office.announce(recordings[0], at=first_at)
        played = office.announce(recordings[0], at=first_at + seconds(60 + 4 * node.boot_s))
        node.holds(*recordings)
        for announced in (missed, played):
            office.awaits_delivery(announced, node.name)
        sources = office.source(recordings[1]), office.source(recordings[2])
        yield Scene(village, node, notice, flood, last_year, sources, missed, played)


def test_it_waits_for_one_answer_and_old_alarms_stay_old(scene: Scene) -> None:
    village, node, office = scene.village, scene.node, scene.village.office
    node.kill()
    since, flood = now(), office.emergency(scene.sources[0].recording)
    with village.intruder() as intruder:
        intruder.publish(str(URGENT), _of_last_year(scene.sources[1], village.key))
    before, log = node.ear.frames, len(node.log())
    with village.deaf():
        node.start(at=LONG_AGO, keeper=Keeper.NOBODY)
        node.says("event=waits_for_the_time topic=loa/v1/areas/lang-cong/urgent", since=log)
        assert now() < scene.missed.first_at - seconds(1), "the machine was too slow for this test"
        wait_for(lambda: now() > scene.missed.first_at + seconds(5), what="the first is over", within_s=120)
        assert level_dbfs(node.ear.heard_since(before)) < SILENT_DBFS, "it sounded by a clock of 1970"

    assert office.awaits_outcome(flood, node.name) == "complete"
    assert now() < scene.played.first_at - seconds(1), "the machine was too slow for this test"
    node.ear.waits_until(scene.played.first_at + scene.notice.length + seconds(1), within_s=150)
    heard = node.ear.heard_since(before)
    assert [_times(sound, heard) for sound in (scene.flood, scene.notice, scene.last_year)] == [1, 1, 0]
    due_at = scene.played.first_at
    starts = node.ear.starts(scene.notice, due_at - seconds(2), due_at + seconds(5))
    assert [abs(at - due_at) < ON_TIME for at in starts] == [True]

    assert office.awaits_outcome(scene.missed, node.name) == "clock_untrusted"
    assert office.awaits_outcome(scene.played, node.name) == "complete"
    refused = office.awaits_refusal(node.name, since)
    assert refused["reason"] in {"not_current", "stale"}, (
        "stale if the broker handed it the current one first"
    )
    problems = _problems(village, since)
    assert {one["code"] for one in problems} == {"clock_jumped"}, problems
    state = office.admin.get(f"/nodes/{node.name}")["state"]
    assert (state["clock"], state["clock_source"]) == ("trusted", "answer")


def _of_last_year(source: RecordingSource, key: SigningKey) -> bytes:
    """What the controller really signed then, as it would be kept by somebody."""
    at = (now() - timedelta(days=365)).replace(microsecond=0)
    broadcast = Broadcast(
        bulletin="flood",
        created_at=at,
        title="Báo lũ",
        field="other",
        class_=BroadcastClass.EMERGENCY,
        source=source,
        audience=(AREA,),
        when=When(start_local=local(at + seconds(2))),
        issuer=AREA,
        authority=100,
        not_after_ms=DurationMs(3_600_000),
        last_end_ms=DurationMs(7_200_000),
    )
    approved = approve(broadcast, approver="hoa", approved_at=at, key=key)
    entry = Entry(document=broadcast.to_bytes().decode(), approvals=(approved,), issued_at=at)
    return encode(URGENT, Urgent(area=AREA, version=to_ms(at), issued_at=at, entries=(entry,)), key)


def _times(sound: Sound, heard: Signal) -> int:
    return len(find(sound.signal, heard, HEARING_HZ, threshold=CERTAIN))


def _problems(village: Village, since: datetime) -> list[Json]:
    query = {"node": "loa-1", "kind": "problem", "from": since}
    return [one["report"] for one in village.office.leader.get("/incidents", **query)["items"]]
