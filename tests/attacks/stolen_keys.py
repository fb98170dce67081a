"""The controller's key is stolen, with broker and authority: envelopes are genuine, approvals are not."""

from datetime import timedelta

from loa.protocol.broadcast import Approval, Broadcast, Entry
from loa.protocol.ids import AreaId
from loa.protocol.units import DurationMs
from loa.protocol.when import When
from tests.attacks.case import Case, Edit, Shown, Stage
from tests.attacks.forge import AREA, URGENT
from tests.attacks.sounds import Sample
from tests.attacks.town import APPROVERS, LATECOMER
from tests.flow.times import local, now, soon

NODE = "loa-1"
NO_COUNT = Edit("loa/protocol/trust.py", "    if len(users) < needed:\n", "    if False:\n")
NO_ROSTER = Edit(
    "loa/protocol/trust.py",
    "    challenge = bytes.fromhex(entry.id)\n    for grant in",
    "    yield approval.approver\n    challenge = bytes.fromhex(entry.id)\n    for grant in",
)
NO_CHALLENGE = Edit(
    "loa/protocol/passkey.py",
    '    if said.get("challenge") != to_base64url(challenge):\n',
    "    if False:\n",
)
NO_ORIGIN = Edit(
    "loa/protocol/passkey.py",
    '    if said.get("origin") not in party.origins or said.get("crossOrigin", False) is not False:\n',
    "    if False:\n",
)
NO_END = Edit(
    "loa/schedules/timeline.py", "        elif play.not_after < self._now:\n", "        elif False:\n"
)
NO_PATIENCE = Edit(
    "loa/schedules/plays.py",
    "        return latest if self.begun else min(latest, self.not_after)\n",
    "        return latest\n",
)


def new_item(stage: Stage, sample: Sample) -> Shown:
    broadcast = stage.forger.broadcast(sample)
    return _sent(stage, stage.forger.entry(broadcast, stage.forger.word(broadcast)))


def one_of_two(stage: Stage, sample: Sample) -> Shown:
    broadcast = stage.forger.broadcast(sample)
    word, signed = stage.forger.word(broadcast), stage.forger.by("hoa", broadcast)
    return _sent(stage, stage.forger.entry(broadcast, word, signed))


def twice_by_one(stage: Stage, sample: Sample) -> Shown:
    broadcast = stage.forger.broadcast(sample)
    signed = stage.forger.by("hoa", broadcast)
    again = stage.forger.by("hoa", broadcast).model_copy(update={"approver": "binh"})
    return _sent(stage, stage.forger.entry(broadcast, signed, again))


def off_the_roster(stage: Stage, sample: Sample) -> Shown:
    """The administrator made him an approver; no two keepers have signed that."""
    broadcast = stage.forger.broadcast(sample)
    names = (APPROVERS[0], LATECOMER)
    return _sent(stage, stage.forger.entry(broadcast, *(stage.forger.by(name, broadcast) for name in names)))


def phished(stage: Stage, sample: Sample) -> Shown:
    broadcast = stage.forger.broadcast(sample)
    origin = "https://loa-langcong.example"
    people = (stage.town.people[name] for name in APPROVERS)
    signed = [stage.forger.of(person, broadcast, origin=origin) for person in people]
    return _sent(stage, stage.forger.entry(broadcast, *signed))


def moved_to_an_area(stage: Stage, sample: Sample) -> Shown:
    approved = stage.forger.broadcast(sample, audience=(AreaId("thon-2"),))
    return _sent(stage, _changed(stage, approved, audience=(AREA,)))


def moved_to_an_hour(stage: Stage, sample: Sample) -> Shown:
    approved = stage.forger.broadcast(sample, at=soon(86_400))
    return _sent(stage, _changed(stage, approved, when=When(start_local=local(soon(0.3)))))


def another_recording(stage: Stage, sample: Sample) -> Shown:
    approved = stage.forger.broadcast(sample)
    harmless = approved.model_copy(update={"source": stage.town.office.source(stage.town.recording)})
    return _sent(stage, _changed(stage, harmless, source=sample.source))


def expired(stage: Stage, sample: Sample) -> Shown:
    """The alarm of an hour ago: it was approved, and might have begun within ten minutes."""
    at = (now() - timedelta(hours=1)).replace(microsecond=0)
    broadcast = stage.forger.broadcast(sample, at=at, created_at=at, last_end_ms=DurationMs(7_200_000))
    entry = stage.forger.entry(broadcast, *(stage.forger.by(name, broadcast) for name in APPROVERS))
    stage.overwrite(URGENT, stage.forger.urgent(entry))
    return stage.not_played(NODE, broadcast, "expired", "learnt_too_late", "last_end")


def _changed(stage: Stage, approved: Broadcast, **changes: object) -> Entry:
    """Another document under the approvals that were given for this one."""
    approvals: list[Approval] = [stage.forger.by(name, approved) for name in APPROVERS]
    return stage.forger.entry(approved.model_copy(update=changes), *approvals)


def _sent(stage: Stage, entry: Entry) -> Shown:
    stage.overwrite(URGENT, stage.forger.urgent(entry))
    return stage.refused(NODE, entry.id, "unapproved")


CASES = (
    Case("new-item", "an alarm with nothing but the controller's word", new_item, (NO_COUNT,)),
    Case("one-of-two", "an alarm that one of two people has signed", one_of_two, (NO_COUNT,)),
    Case(
        "twice-by-one",
        "an alarm signed twice by one person, once under another's name",
        twice_by_one,
        (NO_COUNT,),
    ),
    Case(
        "off-the-roster",
        "an alarm signed by an approver whom no keepers have signed",
        off_the_roster,
        (NO_ROSTER,),
    ),
    Case("phished", "an alarm that both approvers signed on another website", phished, (NO_ORIGIN,)),
    Case(
        "to-an-area",
        "an alarm approved for one village, changed to the whole commune",
        moved_to_an_area,
        (NO_CHALLENGE,),
    ),
    Case("to-an-hour", "an alarm approved for tomorrow, changed to now", moved_to_an_hour, (NO_CHALLENGE,)),
    Case(
        "to-a-recording", "an approved alarm with another recording in it", another_recording, (NO_CHALLENGE,)
    ),
    Case("expired", "an alarm approved an hour ago, in an envelope of now", expired, (NO_END, NO_PATIENCE)),
)
