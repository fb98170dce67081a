import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from loa.node_agent import logs
from loa.node_agent.core.accept import Duplicate, Fresh, Refused, RefusedEntry, Verdict, judge, sift
from loa.node_agent.core.adoption import adopt
from loa.node_agent.core.belief import Belief
from loa.node_agent.core.gate import judge_by_answer
from loa.node_agent.core.reports import refusal
from loa.node_agent.core.shelf import from_message, merge, news
from loa.node_agent.errors import WrongDigestError
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Change, Fetched, Job, Message, Timekeeper
from loa.protocol.broadcast import Entry
from loa.protocol.codec import decode, unpack_config, unpack_programme
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import AreaId, sha256_hex
from loa.protocol.programme import Config, ConfigPointer, NodeSettings, Programme, ProgrammePointer, Urgent
from loa.protocol.reasons import ClockState, RefusalReason
from loa.protocol.reports import Answer, Held, Receipt
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs, SizeBytes, to_whole_ms

_SAY_AGAIN_S = 3600.0
_MOST_REMEMBERED = 256

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A body that a pointer named and that has not come yet."""

    topic: Topic
    pointer: ProgrammePointer | ConfigPointer
    job: Job


class Intake:
    """What comes from the controller: verified, judged, and put into memory or reported as refused."""

    def __init__(
        self,
        *,
        memory: Memory,
        belief: Belief,
        folder: Path,
        clock: Timekeeper,
        random: Random,
    ) -> None:
        self._memory = memory
        self._belief = belief
        self._folder = folder
        self._clock = clock
        self._random = random
        self._pending: dict[Topic, _Pending] = {}
        self._refused: dict[tuple[str, str], float] = {}

    def take(self, message: Message) -> Answer | Receipt | None:
        """Take in one message; what concerns the telling is handed back."""
        try:
            topic = Topic.parse(message.topic)
            said = decode(topic, message.payload, self._belief.keys)
        except ProtocolError as error:
            self._refuse(message.topic, error.reason, str(error), sha256_hex(message.payload))
            return None
        match said:
            case Urgent():
                self._take_urgent(topic, said, message)
            case ProgrammePointer() | ConfigPointer():
                self._take_pointer(topic, said, message)
            case Answer() | Receipt():
                return said
            case _:
                logs.say(_log, "not_for_nodes", topic=message.topic)
        return None

    def jobs(self) -> list[Job]:
        """The bodies to be fetched, the configuration first."""
        pending = sorted(self._pending.values(), key=lambda one: one.topic.channel is not Channel.CONFIG)
        return [one.job for one in pending]

    def take_body(self, fetched: Fetched) -> None:
        """Take in the body that a pointer named."""
        pending = next((one for one in self._pending.values() if one.job.sha256 == fetched.job.sha256), None)
        packed = fetched.path.read_bytes()
        fetched.path.unlink()
        if pending is None:
            return
        del self._pending[pending.topic]
        try:
            if isinstance(pending.pointer, ConfigPointer):
                self._take_config(unpack_config(packed, self._belief.node, self._belief.keys), fetched.at)
            else:
                body = unpack_programme(packed, pending.pointer.area, self._belief.keys)
                self._take_programme(pending.topic, body, fetched)
        except ProtocolError as error:
            self._refuse(str(pending.topic), error.reason, str(error), fetched.job.sha256)

    def refuse_bytes(self, job: Job, error: WrongDigestError) -> None:
        """What was fetched is not what was named."""
        topics = [str(one.topic) for one in self._pending.values() if one.job.sha256 == job.sha256]
        where = topics[0] if topics else job.path
        self._refuse(where, RefusalReason.WRONG_DIGEST, str(error), error.found)

    def _take_urgent(self, topic: Topic, urgent: Urgent, message: Message) -> None:
        held = self._held(urgent.area)
        if not self._is_fresh(topic, urgent, held.urgent, message.payload):
            return
        entries = self._sift(topic, urgent.entries)
        newly = held.model_copy(update={"urgent": urgent.version})
        self._add(urgent, entries, message.at, {urgent.area: newly})

    def _take_programme(self, topic: Topic, programme: Programme, fetched: Fetched) -> None:
        held = self._held(programme.area)
        verdict = judge(programme, held=held.programme, now=self._clock.now(), is_sure=self._is_sure())
        if isinstance(verdict, Refused):
            self._refuse(str(topic), verdict.reason, verdict.detail, fetched.job.sha256)
        elif not isinstance(verdict, Duplicate):
            entries = self._sift(topic, programme.entries)
            newly = held.model_copy(update={"programme": programme.version})
            self._add(programme, entries, fetched.at, {programme.area: newly})

    def _add(
        self, message: Programme | Urgent, entries: list[Entry], at: datetime, held: Mapping[AreaId, Held]
    ) -> None:
        shelf = self._memory.shelf
        added = news(shelf, merge(shelf, from_message(message, entries, to_whole_ms(at), shelf)))
        keep = self._memory.keep_soon if isinstance(message, Urgent) else self._memory.keep
        keep(Change(shelf=added, held=held))
        logs.say(
            _log,
            "taken_in",
            what=type(message).__name__.lower(),
            area=message.area,
            version=message.version,
            entries=len(added.entries),
            withdrawals=len(added.withdrawals),
            silences=len(added.silences),
        )

    def _take_config(self, config: Config, at: datetime) -> None:
        held = self._memory.config
        if held is not None and config.version <= held.version:
            return
        config = self._belief.bind(held, config)
        self._memory.adopted_at = to_whole_ms(at)
        forget = self._belief.voided(config, self._memory.shelf)
        again = _once_more(self._memory.held) if held and config.papers != held.papers else {}
        config = adopt(held, config, self._memory.adopted_at)
        self._memory.keep(Change(config=config, held=again, forget=forget))
        logs.say(_log, "configured", version=config.version, areas=",".join(config.areas))

    def _take_pointer(
        self, topic: Topic, pointer: ProgrammePointer | ConfigPointer, message: Message
    ) -> None:
        pending = self._pending.get(topic)
        held = max(self._held_version(pointer), pending.pointer.version if pending else 0)
        if not self._is_fresh(topic, pointer, held, message.payload):
            return
        job = Job(
            path=self._path(pointer),
            sha256=pointer.sha256,
            size_bytes=SizeBytes(pointer.size_bytes),
            into=self._folder / pointer.sha256,
            not_before=self._clock.monotonic() + self._jitter_s(),
        )
        self._pending[topic] = _Pending(topic, pointer, job)

    def _jitter_s(self) -> float:
        settings = (
            self._memory.config.settings
            if self._memory.config
            else NodeSettings(fetch_jitter_ms=DurationMs(0))
        )
        return self._random.uniform(0, settings.fetch_jitter_ms / 1000)

    def _path(self, pointer: ProgrammePointer | ConfigPointer) -> str:
        if isinstance(pointer, ConfigPointer):
            return f"/api/v1/nodes/{pointer.node}/config/{pointer.sha256}"
        return f"/api/v1/areas/{pointer.area}/programme/{pointer.sha256}"

    def _held(self, area: AreaId) -> Held:
        return self._memory.held.get(area, Held())

    def _held_version(self, pointer: ProgrammePointer | ConfigPointer) -> int:
        if isinstance(pointer, ProgrammePointer):
            return self._held(pointer.area).programme
        return self._memory.config.version if self._memory.config else 0

    def _is_fresh(
        self, topic: Topic, said: Urgent | ProgrammePointer | ConfigPointer, held: int, payload: bytes
    ) -> bool:
        verdict: Verdict = judge(said, held=held, now=self._clock.now(), is_sure=self._is_sure())
        if isinstance(said, Urgent) and isinstance(verdict, Fresh):
            verdict = judge_by_answer(said, self._memory.named)
        if not isinstance(said, ConfigPointer) and said.area not in self._areas():
            verdict = Refused(RefusalReason.NOT_ADDRESSED_HERE, f"this node does not belong to {said.area}")
        if isinstance(verdict, Refused):
            self._refuse(str(topic), verdict.reason, verdict.detail, sha256_hex(payload))
        return not isinstance(verdict, Refused | Duplicate)

    def _is_sure(self) -> bool:
        """Whether our clock is fit to judge that something comes from the future."""
        return self._clock.state() is not ClockState.UNTRUSTED

    def _areas(self) -> tuple[AreaId, ...]:
        return self._memory.config.areas if self._memory.config else ()

    def _sift(self, topic: Topic, entries: tuple[Entry, ...]) -> list[Entry]:
        taken, left = sift(
            entries,
            areas=self._areas(),
            check=lambda entry: self._belief.check(entry, self._memory.config),
            now=self._clock.now(),
            is_sure=self._is_sure(),
        )
        for one in left:
            self._refuse_entry(topic, one)
        return taken

    def _refuse_entry(self, topic: Topic, left: RefusedEntry) -> None:
        refused = left.refused
        self._refuse(str(topic), refused.reason, refused.detail, left.entry.id)

    def _refuse(self, topic: str, reason: RefusalReason, detail: str, sha256: str) -> None:
        """Report it, but the same thing not again and again."""
        now = self._clock.monotonic()
        last = self._refused.get((topic, sha256))
        if last is not None and now - last < _SAY_AGAIN_S:
            return
        if len(self._refused) >= _MOST_REMEMBERED:
            self._refused.pop(next(iter(self._refused)))
        self._refused[topic, sha256] = now
        logs.shout(_log, "refused", topic=topic, reason=reason, detail=detail, sha256=sha256)
        draft = refusal(at=self._clock.now(), topic=topic, reason=reason, detail=detail, sha256=sha256)
        self._memory.keep(Change(reports=(draft,)))


def _once_more(held: Mapping[AreaId, Held]) -> dict[AreaId, Held]:
    """As if the current versions had not come: by other papers more of them may be believed, or less."""
    return {
        area: Held(programme=max(0, one.programme - 1), urgent=max(0, one.urgent - 1))
        for area, one in held.items()
    }
