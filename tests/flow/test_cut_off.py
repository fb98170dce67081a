"""Controller and broker are killed once the programme is out: for a week, disk and clock must do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests.flow.ears import Sound, make_sound
from tests.flow.office import Announced
from tests.flow.times import now, seconds, soon
from tests.flow.village import Loudspeaker, Village

pytestmark = [pytest.mark.flow, pytest.mark.timeout(600)]

ON_TIME = timedelta(milliseconds=300)
DAY = timedelta(days=1)
DAYS = 7


@dataclass(frozen=True, slots=True)
class Due:
    """What must sound, and when."""

    announced: Announced
    sound: Sound
    at: datetime


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    with Village.founded(tmp_path_factory.mktemp("cut-off"), broker_apart=True) as founded:
        founded.add_node("loa-1", "thon-1")
        founded.add_node("loa-2", "thon-2")
        yield founded


def test_they_play_on_for_a_week_and_the_log_is_complete_afterwards(village: Village) -> None:
    once, daily = _announce(village)
    village.kill()
    assert now() < once.at - seconds(1), "the machine was too slow for this test to mean anything"
    for node in village.nodes:
        _sounds_on_time(node, once)
        _sounds_on_time(node, daily)
    for day in range(1, DAYS):
        _live_through(village, Due(daily.announced, daily.sound, daily.at + day * DAY))

    afterwards = daily.at + DAYS * DAY
    village.start(at=afterwards)
    for node in village.nodes:
        node.restart(at=village.now())

    expected = {
        (due.announced.occurrence(due.at + day * DAY), node.name): "complete"
        for due, days in ((once, 1), (daily, DAYS))
        for day in range(days)
        for node in village.nodes
    }
    village.office.awaits_log(expected)


def _announce(village: Village) -> tuple[Due, Due]:
    """One sound once, another daily; returns when every loudspeaker holds all of it."""
    office = village.office
    single = make_sound(village.folder / "single.wav", 3, seed=11)
    daily = make_sound(village.folder / "daily.wav", 3, seed=12)
    recordings = office.upload(single), office.upload(daily)
    first_at = soon(10 + 3 * village.nodes[0].boot_s)
    second_at = first_at + seconds(6)
    once = office.announce(recordings[0], at=first_at)
    again = office.announce(recordings[1], at=second_at, rrule=f"FREQ=DAILY;COUNT={DAYS}")
    for node in village.nodes:
        node.holds(*recordings)
        office.awaits_delivery(once, node.name)
        office.awaits_delivery(again, node.name)
    return Due(once, single, first_at), Due(again, daily, second_at)


def _live_through(village: Village, due: Due) -> None:
    """Power comes back shortly before the occurrence of another day, and fails when it is over."""
    wakes_at = due.at - seconds(8 + 4 * max(node.boot_s for node in village.nodes))
    for node in village.nodes:
        node.restart(at=wakes_at)
    for node in village.nodes:
        _sounds_on_time(node, due)


def _sounds_on_time(node: Loudspeaker, due: Due) -> None:
    ends_at = due.at + due.sound.length
    node.ear.waits_until(ends_at + seconds(2))
    heard = node.ear.starts(due.sound, due.at - seconds(2), ends_at + seconds(2))
    assert [abs(at - due.at) < ON_TIME for at in heard] == [True], (node.name, due.at, heard)
