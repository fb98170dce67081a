"""The agent's part of an update, on fakes in simulated time."""

from pathlib import Path

import pytest

from loa.node_agent.core.ledger import Ledger, Outcome, Phase, Target
from loa.node_agent.core.wish import UpdateMemory, target_of
from loa.node_agent.errors import WrongDigestError
from loa.node_agent.ports import Change
from loa.node_agent.update_ports import Checked
from loa.protocol.broadcast import Entry
from loa.protocol.keys import SigningKey
from loa.protocol.programme import ReleasePointer
from loa.protocol.reasons import UpdateOutcome
from loa.protocol.release import BUNDLE_LIMIT_BYTES
from loa.protocol.reports import UpdateReport
from tests.node_agent.makers import (
    NOON,
    SOUND,
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    minutes,
    seconds,
)
from tests.node_agent.rig import World
from tests.protocol.bundles import RELEASE_RING, make_bundle, make_manifest, make_pointer

BUNDLE = make_bundle()
POINTER = make_pointer(BUNDLE)
TARGET = target_of(POINTER)
IDLE = Ledger(steady="0.1.0", floor="0.1.0")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A node with an updater that has nothing to do."""
    world = World(tmp_path, NOON)
    world.site.book, world.site.keys = IDLE, RELEASE_RING
    return world


def point(world: World, pointer: ReleasePointer | None, bundle: bytes = BUNDLE, *, version: int = 1) -> None:
    world.bodies[pointer.sha256 if pointer else ""] = bundle
    world.configure(make_config(version=version).model_copy(update={"release": pointer}))
    world.go(world.clock.now() + seconds(6))


def phase(world: World, phase: Phase, *, target: Target = TARGET) -> None:
    assert world.site.book is not None
    world.site.book = world.site.book.model_copy(update={"phase": phase, "target": target, "trial": "t" * 32})
    world.go(world.clock.now() + seconds(6))


def play_in(world: World, after_s: float, *, at_s: float = 0.0) -> Entry:
    """A sound of one minute."""
    entry = make_entry(make_broadcast(world.clock.now() + seconds(after_s)), issued_at=world.clock.now())
    world.offer(SOUND)
    world.issue(make_programme(entry, version=2 + int(at_s), issued_at=world.clock.now()))
    return entry


def goes(world: World) -> bool:
    word = world.site.word
    return word is not None and word.go_until_s is not None and word.go_until_s > world.clock.monotonic()


def test_a_genuine_bundle_is_fetched_and_asked_for(world: World) -> None:
    point(world, POINTER)
    assert world.site.word is not None
    assert (world.site.word.wants, world.site.word.version) == (TARGET, "0.1.0")
    assert world.site.place(POINTER.sha256).exists()
    assert world.refusals() == []


def test_many_nodes_do_not_fetch_at_once(world: World) -> None:
    later = POINTER.model_copy(update={"spread_ms": 1_800_000})
    world.configure(make_config().model_copy(update={"release": later}))
    began_s = world.clock.monotonic()
    world.go(NOON + seconds(6))
    (job,) = world.updating.jobs()
    assert 60 < job.not_before - began_s < 1_800, "drawn from half an hour"
    world.go(NOON + minutes(1))
    assert world.updating.jobs() == [job], "and not drawn again"


@pytest.mark.parametrize(
    ("bundle", "version", "reason"),
    [
        (make_bundle(key=SigningKey.generate()), "0.2.0", "unknown_key"),
        (make_bundle(sealed=make_manifest().to_bytes()), "0.2.0", "malformed"),
        (make_bundle(make_manifest("0.1.9")), "0.2.0", "misaddressed"),
        (make_bundle(make_manifest(pythons=("3.9",))), "0.2.0", "unsuitable"),
        (make_bundle(make_manifest(machines=("riscv64",))), "0.2.0", "unsuitable"),
        (make_bundle(make_manifest(min_agent="0.1.5")), "0.2.0", "unsuitable"),
        (make_bundle(make_manifest("0.0.9")), "0.0.9", "stale"),
    ],
    ids=[
        "wrong key",
        "unsigned",
        "other version",
        "other Python",
        "other machine",
        "too big a step",
        "older",
    ],
)
def test_what_must_not_be_installed_is_refused_and_told_once(
    world: World, bundle: bytes, version: str, reason: str
) -> None:
    pointer = make_pointer(bundle, version)
    point(world, pointer, bundle)
    world.restart()
    world.go(world.clock.now() + minutes(5))
    (refused,) = world.refusals()
    assert (refused.reason, refused.sha256) == (reason, pointer.sha256)
    assert refused.topic.endswith("/config")
    assert world.site.word is not None
    assert world.site.word.wants is None
    assert not world.site.place(pointer.sha256).exists(), "it is not kept"


def test_too_large_a_bundle_is_not_even_fetched(world: World) -> None:
    point(world, POINTER.model_copy(update={"size_bytes": BUNDLE_LIMIT_BYTES + 1}))
    assert [one.reason for one in world.refusals()] == ["too_large"]
    assert not world.site.place(POINTER.sha256).exists()


def test_the_floor_refuses_what_the_running_version_would_take(world: World) -> None:
    world.site.book = Ledger(steady="0.1.0", floor="0.3.0")
    point(world, POINTER)
    assert [one.reason for one in world.refusals()] == ["stale"]


def test_the_version_that_runs_is_no_news(world: World) -> None:
    world.runs = "0.2.0"
    world.restart()
    point(world, POINTER)
    assert (world.refusals(), world.updating.jobs()) == ([], [])


def test_a_machine_without_an_updater_says_so(world: World) -> None:
    world.site.book = None
    point(world, POINTER)
    assert world.refusals() == []
    world.go(world.clock.now() + minutes(2))
    (refused,) = world.refusals()
    assert "no updater" in refused.detail


def test_the_switch_waits_until_nothing_sounds_and_nothing_is_due(world: World) -> None:
    point(world, POINTER)
    play_in(world, 60)
    phase(world, Phase.READY)
    assert not goes(world), "due in a minute"
    world.go(NOON + seconds(90))
    assert world.sounding.sounding is not None
    assert not goes(world), "sounding"
    world.go(NOON + minutes(3))
    assert goes(world)


def test_what_is_due_in_less_than_ten_minutes_puts_it_off(world: World) -> None:
    point(world, POINTER)
    play_in(world, 9 * 60)
    phase(world, Phase.READY)
    assert not goes(world)


def test_an_urgent_release_waits_no_longer_than_it_says_and_still_cuts_nothing_off(world: World) -> None:
    bundle = make_bundle(make_manifest(urgent_after_ms=120_000))
    pointer = make_pointer(bundle)
    point(world, pointer, bundle)
    play_in(world, 8 * 60)
    phase(world, Phase.READY, target=target_of(pointer))
    assert not goes(world)
    world.go(NOON + minutes(4))
    assert goes(world), "two minutes are over"
    world.go(NOON + minutes(8) + seconds(30))
    assert world.sounding.sounding is not None
    assert not goes(world)


def test_without_a_link_it_does_not_switch_since_the_new_one_could_not_report(world: World) -> None:
    point(world, POINTER)
    world.broker.go_down()
    phase(world, Phase.READY)
    assert not goes(world)


def test_what_fails_its_check_on_the_data_is_not_started(world: World) -> None:
    world.site.checked = Checked("its check on the data failed: no such column")
    point(world, POINTER)
    phase(world, Phase.READY)
    assert world.site.word is not None
    assert not goes(world)
    assert world.site.word.bad == "its check on the data failed: no such column"


def test_the_agent_leaves_at_a_quiet_moment_after_the_switch(world: World) -> None:
    point(world, POINTER)
    play_in(world, 4)
    phase(world, Phase.SWITCHED)
    assert world.sounding.sounding is not None
    assert not world.updating.is_leaving, "an emergency may begin between the word and the switch"
    world.go(NOON + minutes(3))
    assert world.updating.is_leaving


def test_a_version_on_trial_says_that_it_was_heard(world: World) -> None:
    point(world, POINTER)
    world.runs = "0.2.0"
    assert world.site.book is not None
    world.site.book = world.site.book.model_copy(
        update={"phase": Phase.TRIAL, "target": TARGET, "trial": "t" * 32}
    )
    world.gives_receipts = False
    world.restart()
    world.go(world.clock.now() + seconds(30))
    assert world.site.word is not None
    assert (world.site.word.version, world.site.word.heard) == ("0.2.0", None)
    assert not world.updating.is_leaving
    world.give_receipt(0)
    world.go(world.clock.now() + seconds(6))
    assert world.site.word.heard == "t" * 32


def test_every_outcome_is_reported_exactly_once(world: World) -> None:
    told = [
        Outcome(number=1, at=NOON, target=TARGET, runs="0.2.0", outcome=UpdateOutcome.INSTALLED),
        Outcome(
            number=2, at=NOON, target=TARGET, runs="0.1.0", outcome=UpdateOutcome.ROLLED_BACK, detail="silent"
        ),
    ]
    point(world, POINTER)
    world.site.book = IDLE.model_copy(update={"outcomes": tuple(told), "last_number": 2, "tried": (TARGET,)})
    for _ in range(3):
        world.go(world.clock.now() + seconds(6))
        world.restart()
    reports = [one for one in world.reports() if isinstance(one, UpdateReport)]
    assert [(one.outcome, one.runs, one.detail) for one in reports] == [
        ("installed", "0.2.0", ""),
        ("rolled_back", "0.1.0", "silent"),
    ]
    assert world.updating.jobs() == [], "it is not fetched again in the same rollout"


def test_a_ledger_that_was_begun_anew_is_told_from_its_beginning(world: World) -> None:
    world.memory.keep(Change(update=UpdateMemory(told=9)))
    refused = Outcome(number=1, at=NOON, target=TARGET, runs="0.1.0", outcome=UpdateOutcome.REFUSED)
    world.site.book = IDLE.model_copy(update={"outcomes": (refused,), "last_number": 1})
    point(world, POINTER)
    world.go(world.clock.now() + seconds(20))
    assert [one.outcome for one in world.reports() if isinstance(one, UpdateReport)] == ["refused"]


def test_a_bundle_waits_for_room_and_says_so_once(world: World) -> None:
    world.site.free = 50_000_000
    point(world, POINTER)
    world.go(world.clock.now() + minutes(5))
    assert world.updating.jobs() == []
    assert [one.code for one in world.problems()] == ["disk_full"]
    world.site.free = 10**9
    world.go(world.clock.now() + seconds(6))
    assert world.site.place(POINTER.sha256).exists()


def test_a_bundle_that_comes_wrong_again_and_again_is_given_up(world: World) -> None:
    world.configure(make_config().model_copy(update={"release": POINTER}))
    world.go(NOON + seconds(6))
    (job,) = world.updating.jobs()
    for attempt in (1, 2):
        world.trouble(job, WrongDigestError(POINTER.sha256, "0" * 64), attempt)
    world.go(world.clock.now() + seconds(6))
    assert (world.refusals(), world.updating.jobs()) == ([], [job])
    world.trouble(job, WrongDigestError(POINTER.sha256, "0" * 64), 3)
    world.go(world.clock.now() + seconds(6))
    assert [(one.reason, one.sha256) for one in world.refusals()] == [("wrong_digest", POINTER.sha256)]
    assert world.updating.jobs() == []


def test_a_pointer_that_is_taken_back_ends_the_wish(world: World) -> None:
    point(world, POINTER)
    point(world, None, version=2)
    assert world.site.word is not None
    assert world.site.word.wants is None
    assert not world.site.place(POINTER.sha256).exists()
