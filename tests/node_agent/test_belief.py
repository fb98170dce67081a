"""An agent that knows a root key: what sounds is what people approved, whatever the controller says."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loa.protocol.broadcast import Broadcast
from loa.protocol.charter import Papers
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId, broadcast_of
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass, StandingMessage
from loa.protocol.programme import Config
from loa.protocol.reasons import Reason, RefusalReason
from loa.protocol.succession import Succession, name_next
from loa.schedules.policy import default_policy
from tests.node_agent.makers import (
    AREA,
    NODE,
    NOON,
    OWN,
    SOUND,
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_silence,
    make_urgent,
    minutes,
)
from tests.node_agent.rig import World
from tests.trusting import House

NIGHT = NOON + timedelta(hours=12)


@pytest.fixture
def house() -> House:
    return House(AREA)


@pytest.fixture
def world(tmp_path: Path, house: House) -> World:
    world = World(tmp_path, NOON)
    world.root = house.root.public
    world.restart()
    world.offer(SOUND)
    return world


def papers(house: House, *approvers: str, version: int = 1, void: tuple[str, ...] = ()) -> Papers:
    roster = house.roster(*(house.approver(one) for one in approvers), version=version, void=void)
    return house.papers(roster, house.charter(NODE, (AREA, OWN), version=version))


def chartered(papers: Papers, *, version: int = 1, **changes: object) -> Config:
    return make_config(version=version).model_copy(update={"papers": papers} | changes)


def sounded(world: World) -> set[BroadcastId]:
    """The broadcasts of which something was heard."""
    names: list[OccurrenceId] = [one.occurrence for one in world.plays() if one.played_ms]
    return {broadcast_of(name) for name in names}


def refused(world: World) -> list[RefusalReason]:
    return [one.reason for one in world.refusals()]


def soon(at: datetime = NOON, **more: object) -> Broadcast:
    return make_broadcast(at + minutes(1), **more)  # type: ignore[arg-type]  # passed on


def test_a_node_without_a_charter_believes_nobody(world: World) -> None:
    world.configure(make_config())
    world.issue(make_programme(make_entry(soon())))
    world.go(NOON + minutes(3))
    assert sounded(world) == set()
    assert refused(world)[0] is RefusalReason.UNCHARTERED


def test_what_an_approver_signed_sounds_and_the_controllers_word_does_not(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa")))
    signed, vouched = soon(title="Ký"), soon(NOON + minutes(2), title="Lời máy chủ")
    world.issue(make_programme(house.entry(signed, "hoa", at=NOON), make_entry(vouched)))
    world.go(NOON + minutes(5))
    assert sounded(world) == {signed.id}
    assert refused(world) == [RefusalReason.UNAPPROVED]


def test_an_emergency_needs_two(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa", "mai")))
    by_one = soon(class_=BroadcastClass.EMERGENCY, title="Một")
    by_two = soon(class_=BroadcastClass.EMERGENCY, title="Hai")
    world.urge(make_urgent(house.entry(by_one, "hoa", at=NOON)))
    world.urge(make_urgent(house.entry(by_two, "hoa", "mai", at=NOON), version=2))
    world.go(NOON + minutes(3))
    assert sounded(world) == {by_two.id}


def test_the_controller_opens_no_hours(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa")))
    at_night = make_broadcast(NIGHT)
    world.issue(make_programme(house.entry(at_night, "hoa", at=NOON)))
    world.go(NIGHT + minutes(40), step=minutes(5))
    assert sounded(world) == set()
    assert [one.outcome for one in world.plays()] == [Reason.QUIET_HOURS]


def test_the_controller_shifts_no_hours(world: World, house: House) -> None:
    """Noon of another time zone is our night."""
    world.configure(chartered(papers(house, "hoa"), tz="America/New_York"))
    at_night = make_broadcast(NIGHT)
    world.issue(make_programme(house.entry(at_night, "hoa", at=NOON)))
    world.go(NIGHT + minutes(40), step=minutes(5))
    assert sounded(world) == set()


def test_the_controller_may_close_hours(world: World, house: House) -> None:
    (always,) = default_policy().versions
    never = default_policy().model_copy(update={"versions": (always.model_copy(update={"hours": ()}),)})
    world.configure(chartered(papers(house, "hoa"), policy=never))
    world.issue(make_programme(house.entry(soon(), "hoa", at=NOON)))
    world.go(NOON + minutes(40), step=minutes(1))
    assert sounded(world) == set()


def test_the_controller_moves_no_node(world: World, house: House) -> None:
    elsewhere = AreaId("dong-que")
    world.configure(chartered(papers(house, "hoa"), areas=(elsewhere, OWN)))
    said = soon(audience=(elsewhere,))
    programme = make_programme(house.entry(said, "hoa", at=NOON), area=elsewhere)
    world.issue(programme)
    world.go(NOON + minutes(3))
    assert sounded(world) == set()
    assert world.memory.config is not None
    assert world.memory.config.areas == (OWN,)


def test_who_is_put_on_the_roster_later_is_heard_then(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa")))
    said = make_broadcast(NOON + minutes(10))
    world.issue(make_programme(house.entry(said, "tam", at=NOON)))
    world.go(NOON + minutes(1))
    world.configure(chartered(papers(house, "hoa", "tam", version=2), version=2))
    world.go(NOON + minutes(13))
    assert sounded(world) == {said.id}


def test_who_was_struck_off_is_heard_no_more(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa", "tam")))
    world.configure(chartered(papers(house, "hoa", version=2), version=2))
    world.issue(make_programme(house.entry(soon(), "tam", at=NOON)))
    world.go(NOON + minutes(3))
    assert sounded(world) == set()


def test_what_a_lost_passkey_signed_is_taken_off(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa", "tam")))
    kept, lost = soon(NOON + minutes(5), title="Giữ"), soon(NOON + minutes(7), title="Mất")
    world.issue(make_programme(house.entry(kept, "hoa", at=NOON), house.entry(lost, "tam", at=NOON)))
    world.go(NOON + minutes(1))
    void = (house.passkey("tam").credential,)
    world.configure(chartered(papers(house, "hoa", version=2, void=void), version=2))
    world.go(NOON + minutes(12))
    assert sounded(world) == {kept.id}


def test_older_papers_and_those_of_another_root_change_nothing(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa", version=2)))
    world.configure(chartered(papers(house, "tam", version=1), version=2))
    usurper = House(AREA)
    world.configure(chartered(papers(usurper, "tam", version=9), version=3))
    said = soon()
    world.issue(
        make_programme(
            house.entry(said, "hoa", at=NOON),
            house.entry(soon(title="Gỡ rồi"), "tam", at=NOON),
            usurper.entry(soon(title="Kẻ lạ"), "tam", at=NOON),
        )
    )
    world.go(NOON + minutes(3))
    assert sounded(world) == {said.id}


def test_a_node_follows_the_root_to_the_next_one_and_never_back(world: World, house: House) -> None:
    """No enrolment in between; what was approved before goes on, over a restart, too."""
    old, new = house.root, SigningKey.generate()
    world.configure(chartered(papers(house, "hoa")))
    before = soon(NOON + minutes(3), title="Trước")
    world.issue(make_programme(house.entry(before, "hoa", at=NOON)))
    step = name_next(Succession(root=new.public.x, issued_at=NOON), old)
    house.root = new
    handed = papers(house, "hoa").model_copy(update={"successions": (step,)})
    world.configure(chartered(handed, version=2))
    house.root = old
    world.configure(chartered(papers(house, "tam", version=9), version=3))
    world.restart()
    said = soon(title="Sau")
    programme = make_programme(
        house.entry(before, "hoa", at=NOON),
        house.entry(said, "hoa", at=NOON),
        house.entry(soon(title="Người của khóa cũ"), "tam", at=NOON),
        version=2,
    )
    world.issue(programme)
    world.go(NOON + minutes(6))
    assert sounded(world) == {before.id, said.id}
    assert RefusalReason.UNKNOWN_KEY in refused(world)


def test_a_node_that_enrols_again_under_another_root_takes_its_papers(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa")))
    other = House(AREA)
    world.root = other.root.public
    world.restart()
    world.configure(chartered(papers(other, "tam", version=2), version=2))
    said = soon()
    world.issue(
        make_programme(other.entry(said, "tam", at=NOON), house.entry(soon(title="Cũ"), "hoa", at=NOON))
    )
    world.go(NOON + minutes(3))
    assert sounded(world) == {said.id}


def test_what_was_believed_is_believed_after_a_restart(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa")))
    world.restart()
    said = soon()
    world.issue(make_programme(house.entry(said, "hoa", at=NOON), make_entry(soon(title="Lời máy chủ"))))
    world.go(NOON + minutes(3))
    assert sounded(world) == {said.id}


def test_taking_sound_away_needs_nobodys_passkey(world: World, house: House) -> None:
    world.configure(chartered(papers(house, "hoa")))
    said = soon(NOON + minutes(2))
    world.issue(make_programme(house.entry(said, "hoa", at=NOON)))
    world.go(NOON + minutes(1))
    world.urge(make_urgent(silences=(make_silence(NOON + minutes(1), NOON + minutes(30)),)))
    world.go(NOON + minutes(6))
    assert sounded(world) == set()
    assert refused(world) == []


def test_the_siren_is_one_that_the_keepers_have_heard(world: World, house: House) -> None:
    source = soon().source
    standing = {StandingMessage.SIREN: source}
    world.configure(chartered(papers(house, "hoa"), standing=standing))
    assert world.memory.config is not None
    assert world.memory.config.standing == {}
    charter = house.charter(NODE, (AREA, OWN), version=2, standing=[source.recording])
    heard = house.papers(house.roster(house.approver("hoa"), version=2), charter)
    world.configure(chartered(heard, version=2, standing=standing))
    assert world.memory.config.standing == standing
