"""The state machine of an update: one thing after the other, and whatever the power does in between."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.node_agent.core.ledger import (
    MOST_BOOTS,
    MOST_INSTALLS,
    MOST_RESTARTS,
    RESTART_EVERY_S,
    TRIAL_S,
    Act,
    Facts,
    Ledger,
    Phase,
    Target,
    Word,
    adopt,
    given_up,
    installed,
    kept_versions,
    step,
    wanted,
)
from loa.protocol.reasons import UpdateOutcome
from tests.node_agent.makers import NOON, seconds

Write = Callable[[], None]
OLD, NEW = "0.1.0", "0.2.0"
BOOT, NEXT_BOOT = "a" * 32, "b" * 32
TOKEN = "c" * 32
TARGET = Target(rollout=1, version=NEW, sha256="d" * 64)
IDLE = Ledger(steady=OLD, floor=OLD)
OLD_WORD = Word(version=OLD, pid=7, boot_id=BOOT, wants=TARGET, go_until_s=160.0)
NEW_WORD = Word(version=NEW, pid=8, boot_id=BOOT)
FACTS = Facts(at=NOON, now_s=100.0, boot_id=BOOT, word=OLD_WORD, is_alive=True, token=TOKEN)
READY = IDLE.model_copy(update={"phase": Phase.READY, "target": TARGET})
SWITCHED = step(READY, FACTS)[0]
GONE = replace(FACTS, is_alive=False)
TRIAL = step(SWITCHED, GONE)[0]
SILENT = replace(FACTS, word=NEW_WORD)


def later(facts: Facts, by_s: float) -> Facts:
    return replace(facts, now_s=facts.now_s + by_s, at=facts.at + seconds(by_s))


def outcomes(ledger: Ledger) -> list[UpdateOutcome]:
    return [one.outcome for one in ledger.outcomes]


def test_a_wish_is_installed_and_waits_for_a_quiet_moment() -> None:
    installing, act = step(IDLE, FACTS)
    assert (installing.phase, act) == (Phase.INSTALLING, Act.INSTALL)
    ready = installed(installing)
    noisy = replace(FACTS, word=OLD_WORD.model_copy(update={"go_until_s": None}))
    assert step(ready, noisy) == (ready, Act.REST)
    assert step(ready, later(FACTS, 60)) == (ready, Act.REST), "what was said to be quiet is over"
    switched, act = step(ready, FACTS)
    assert (switched.phase, switched.trial, wanted(switched), act) == (Phase.SWITCHED, TOKEN, NEW, Act.WAIT)


def test_the_trial_begins_when_the_old_agent_has_left() -> None:
    assert step(SWITCHED, later(FACTS, 4_000)) == (SWITCHED, Act.WAIT)
    assert (TRIAL.phase, outcomes(TRIAL)) == (Phase.TRIAL, [UpdateOutcome.INSTALLED])


def test_a_version_that_reports_stays() -> None:
    heard = replace(SILENT, word=NEW_WORD.model_copy(update={"heard": TOKEN}))
    kept, _ = step(TRIAL, later(heard, 200))
    assert (kept.phase, kept.steady, kept.previous, kept.floor) == (Phase.IDLE, NEW, OLD, NEW)
    assert outcomes(kept) == [UpdateOutcome.INSTALLED, UpdateOutcome.KEPT]
    assert kept_versions(kept) == {OLD, NEW}


@pytest.mark.parametrize("word", [NEW_WORD, None, OLD_WORD, NEW_WORD.model_copy(update={"heard": "e" * 32})])
def test_a_version_that_does_not_report_is_rolled_back(word: Word | None) -> None:
    """It starts and is silent, writes nothing, did not even start, or repeats an older trial's word."""
    facts = replace(FACTS, word=word, is_alive=word is not None and word.version == NEW)
    assert step(TRIAL, later(facts, TRIAL_S - 1))[0].phase is Phase.TRIAL
    reverting, _ = step(TRIAL, later(facts, TRIAL_S))
    assert (reverting.phase, wanted(reverting)) == (Phase.REVERTING, OLD)
    assert outcomes(reverting) == [UpdateOutcome.INSTALLED, UpdateOutcome.ROLLED_BACK]
    assert reverting.outcomes[-1].runs == OLD
    assert "5 minutes" in reverting.outcomes[-1].detail
    again, act = step(reverting, later(facts, TRIAL_S + 1))
    assert act is Act.RESTART
    back = replace(later(facts, TRIAL_S + 10), word=OLD_WORD, is_alive=True)
    done, _ = step(again, back)
    assert (done.phase, done.steady, done.floor) == (Phase.IDLE, OLD, OLD)
    assert step(done, back) == (done, Act.REST), "it is not tried again in the same rollout"


def test_another_rollout_tries_the_same_bundle_again() -> None:
    failed = given_up(READY, NOON, UpdateOutcome.FAILED, "no room")
    again = TARGET.model_copy(update={"rollout": 2})
    assert step(failed, FACTS) == (failed, Act.REST)
    word = OLD_WORD.model_copy(update={"wants": again})
    assert step(failed, replace(FACTS, word=word))[1] is Act.INSTALL


def test_a_restart_is_asked_for_again_and_not_for_ever() -> None:
    ledger, facts, restarts = step(TRIAL, later(SILENT, TRIAL_S))[0], later(SILENT, TRIAL_S), 0
    for _ in range(10 * MOST_RESTARTS):
        facts = later(facts, RESTART_EVERY_S / 2)
        ledger, act = step(ledger, facts)
        restarts += act is Act.RESTART
    assert (restarts, ledger.phase) == (MOST_RESTARTS, Phase.IDLE)


@pytest.mark.parametrize("version", ["0.1.0", "0.0.9"])
def test_an_older_or_equal_version_is_refused(version: str) -> None:
    word = OLD_WORD.model_copy(update={"wants": TARGET.model_copy(update={"version": version})})
    refused, act = step(IDLE, replace(FACTS, word=word))
    assert (refused.phase, act, outcomes(refused)) == (Phase.IDLE, Act.REST, [UpdateOutcome.REFUSED])


def test_the_floor_stays_above_a_version_that_was_put_back_by_hand() -> None:
    kept = Ledger(steady=NEW, previous=OLD, floor=NEW)
    by_hand = adopt(kept, OLD)
    assert (by_hand.steady, by_hand.floor) == (OLD, NEW)
    assert outcomes(step(by_hand, FACTS)[0]) == [UpdateOutcome.REFUSED]


def test_what_was_installed_by_hand_is_no_trial() -> None:
    assert adopt(READY, "0.3.0").steady == "0.3.0"
    assert adopt(SWITCHED, OLD) == SWITCHED, "a switch that the power cut off is made good, not given up"


def test_an_agent_that_wants_no_more_goes_on_as_it_was() -> None:
    content = replace(FACTS, word=OLD_WORD.model_copy(update={"wants": None}))
    assert step(READY, content)[0].phase is Phase.IDLE
    back, _ = step(SWITCHED, content)
    assert (back.phase, wanted(back)) == (Phase.REVERTING, OLD)
    done, act = step(back, content)
    assert (done.phase, act, outcomes(done)) == (Phase.IDLE, Act.WAIT, [])


def test_a_failed_check_ends_it_before_it_ran() -> None:
    bad = replace(FACTS, word=OLD_WORD.model_copy(update={"bad": "it cannot read the journal"}))
    failed, _ = step(READY, bad)
    assert (failed.phase, outcomes(failed)) == (Phase.IDLE, [UpdateOutcome.FAILED])
    assert failed.outcomes[0].detail == "it cannot read the journal"


def test_installs_that_are_cut_off_end() -> None:
    ledger, act = step(IDLE, FACTS)
    for _ in range(MOST_INSTALLS - 1):
        ledger, act = step(ledger, FACTS)
        assert act is Act.INSTALL
    ledger, act = step(ledger, FACTS)
    assert (act, outcomes(ledger)) == (Act.REST, [UpdateOutcome.FAILED])


def test_a_version_with_which_the_machine_goes_off_is_rolled_back() -> None:
    ledger = TRIAL
    for boot in range(1, MOST_BOOTS):
        dead = replace(GONE, boot_id=f"{boot:032x}", now_s=5.0)
        ledger, _ = step(ledger, dead)
        assert ledger.phase is Phase.TRIAL
        assert step(ledger, later(dead, TRIAL_S - 1))[0].phase is Phase.TRIAL, (
            "each boot has its own five minutes"
        )
    ledger, _ = step(ledger, replace(GONE, boot_id=NEXT_BOOT, now_s=5.0))
    assert ledger.phase is Phase.REVERTING
    assert "went off" in ledger.outcomes[-1].detail


def test_the_old_agent_is_never_restarted_while_it_runs() -> None:
    """As when the power failed before the switch was on the disk: the old one came up again, and sounds."""
    ledger, facts = TRIAL, replace(FACTS, word=OLD_WORD)
    for _ in range(600):
        facts = later(facts, 1)
        ledger, act = step(ledger, facts)
        assert act is not Act.RESTART
    assert ledger.phase is Phase.TRIAL
    left, _ = step(ledger, later(SILENT, 601))
    assert step(left, later(SILENT, 601 + TRIAL_S - RESTART_EVERY_S - 1))[0].phase is Phase.TRIAL


@dataclass
class Node:
    """A machine: what is on its disk, and the agent that runs by its link."""

    new_reports: bool
    ledger: Ledger | None = None
    link: str = OLD
    word: Word | None = None
    now_s: float = 100.0
    boots: int = 0
    agent: str | None = None
    pid: int = 1
    restarts_of_old: int = 0
    history: list[Ledger] = field(default_factory=list)

    def boot(self) -> None:
        self.boots += 1
        self.now_s, self.agent = 5.0, None

    @property
    def boot_id(self) -> str:
        return f"{self.boots:032x}"

    def start_agent(self) -> None:
        self.agent, self.pid = self.link, self.pid + 1
        wants = TARGET if self.link == OLD else None
        self.word = Word(version=self.link, pid=self.pid, boot_id=self.boot_id, wants=wants)

    def agent_turn(self) -> None:
        """Says that it is quiet, leaves when it is to, and the new one says that it was heard."""
        if self.agent is None:
            self.start_agent()
        if self.word is None or self.ledger is None:
            return
        target, phase = self.ledger.target, self.ledger.phase
        if self.agent == OLD:
            self.word = self.word.model_copy(update={"go_until_s": self.now_s + 30})
            if target and phase in {Phase.SWITCHED, Phase.TRIAL}:
                self.start_agent()
        elif self.new_reports and target and target.version == NEW:
            self.word = self.word.model_copy(update={"heard": self.ledger.trial})

    def updater_turn(self, *, cut_after: int) -> None:
        """One turn of the service, which the power may cut off after so many of its writes."""
        before = adopt(self.ledger, self.link)
        alive = self.agent is not None and self.word is not None and self.word.boot_id == self.boot_id
        facts = Facts(
            at=NOON,
            now_s=self.now_s,
            boot_id=self.boot_id,
            word=self.word,
            is_alive=alive,
            token=f"{self.now_s}",
        )
        after, act = step(before, facts)
        for number, write in enumerate((self._write(after), self._link(after), self._act(after, act))):
            if number >= cut_after:
                return
            write()

    def _write(self, ledger: Ledger) -> Write:
        def write() -> None:
            self.ledger = ledger
            self.history.append(ledger)

        return write

    def _link(self, ledger: Ledger) -> Write:
        def write() -> None:
            self.link = wanted(ledger) or self.link

        return write

    def _act(self, ledger: Ledger, act: Act) -> Write:
        def write() -> None:
            if act is Act.INSTALL:
                self.ledger = installed(ledger)
            elif act is Act.RESTART:
                self.restarts_of_old += self.agent == OLD
                self.start_agent()

        return write


EVENTS = st.lists(
    st.tuples(st.sampled_from(["updater", "agent", "boot", "wait", "long"]), st.integers(0, 3)), max_size=60
)


@given(events=EVENTS, new_reports=st.booleans())
def test_whatever_the_power_does_the_old_or_the_new_version_runs_and_the_trial_ends(
    *, events: list[tuple[str, int]], new_reports: bool
) -> None:
    node = Node(new_reports=new_reports)
    for what, cut_after in events:
        match what:
            case "updater":
                node.updater_turn(cut_after=cut_after)
                if cut_after < 3:
                    node.boot()
            case "agent":
                node.agent_turn()
            case "boot":
                node.boot()
            case _:
                node.now_s += 1 if what == "wait" else 45
        assert node.link in {OLD, NEW}
    for _ in range(1_000):
        node.agent_turn()
        node.updater_turn(cut_after=3)
        node.now_s += 1
    assert node.ledger is not None
    assert node.ledger.phase is Phase.IDLE, "every trial ends"
    assert node.ledger.steady == node.link == node.agent
    assert new_reports or node.link == OLD, "what never reported does not stay"
    assert node.restarts_of_old == 0
    floors = [ledger.floor for ledger in node.history]
    assert floors == sorted(floors), "versions only go up"
    numbers = [one.number for one in node.ledger.outcomes]
    assert numbers == sorted(set(numbers))
