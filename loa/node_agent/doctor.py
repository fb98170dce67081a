"""`loa-node doctor`: looks at everything a technician can mend, and says what to do."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from loa.audio.sounddevice_player import OpenStream, open_output
from loa.node_agent.adapters import enrolment
from loa.node_agent.adapters.clock import SystemTime
from loa.node_agent.adapters.enrolment import Enrolment, pass_of
from loa.node_agent.adapters.kernel_clock import offset_and_error_ms
from loa.node_agent.adapters.machine import Machine
from loa.node_agent.adapters.network_probe import Network, probe_network
from loa.node_agent.adapters.probes import probe_disk, probe_pin, probe_sound
from loa.node_agent.adapters.tls import Pass
from loa.node_agent.core.findings import (
    ClockFacts,
    Finding,
    Verdict,
    judge_clock,
    judge_disk,
    judge_pin,
    judge_sound,
    problem,
    skipped,
    well,
)
from loa.node_agent.errors import NotEnrolledError
from loa.node_agent.settings import AgentSettings

_OTHERS = 0o077
_MARKS = {Verdict.WELL: "ok", Verdict.PROBLEM: "!!", Verdict.SKIPPED: "--"}
_WAV = "wav:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Of one node; what it looks at stands behind its fields."""

    data: Path
    sink: str
    pins: Mapping[str, int]
    """GPIO numbers by the names of their settings."""
    is_agent_running: bool
    now: Callable[[], datetime]
    clock: Callable[[], tuple[int, int] | None]
    """Offset and error in ms, None while no NTP keeps the clock."""
    open_stream: OpenStream
    probe_network: Callable[[Enrolment, Pass, Callable[[], datetime]], Network] = probe_network
    root: Path = Path("/")

    def examine(self) -> list[Finding]:
        """Everything, in the order in which it is to be mended."""
        identity, findings = self._enrolment()
        network = self.probe_network(identity, pass_of(identity, self.data), self.now) if identity else None
        none = (skipped("Network", "Where the controller is nobody knows before the node is enrolled."),)
        return [
            *findings,
            *self._disk(),
            *self._clock(network.ahead_s if network else None),
            *(network.findings if network else none),
            self._sound(),
            *self._gpio(),
        ]

    def _enrolment(self) -> tuple[Enrolment | None, list[Finding]]:
        try:
            identity, _ = enrolment.load(self.data)
        except NotEnrolledError as error:
            do = "Get a code on the controller, and run `loa-node enrol <url> <code>` as the service's user."
            return None, [problem("Enrolment", f"This machine is no node: {error.problem}.", do)]
        names = (enrolment.KEY_FILE, enrolment.ENROLMENT_FILE)
        open_ones = [name for name in names if (self.data / name).stat().st_mode & _OTHERS]
        if not open_ones:
            return identity, [well("Enrolment", f"This is node {identity.node}; its keys are its own.")]
        files = " ".join(str(self.data / name) for name in open_ones)
        said = f"This is node {identity.node}, but others on this machine can read {' and '.join(open_ones)}."
        return identity, [problem("Enrolment", said, f"`chmod 600 {files}`")]

    def _disk(self) -> list[Finding]:
        machine = Machine(root=self.root, data=self.data, clock=lambda: None, signal_pct=lambda: None)
        readings = machine.look()
        return judge_disk(probe_disk(self.data, wear_pct=readings.disk_wear_pct, errors=readings.disk_errors))

    def _clock(self, ahead_s: float | None) -> list[Finding]:
        has_battery = any((self.root / "sys/class/rtc").glob("rtc*"))
        return judge_clock(
            ClockFacts(is_kept=self.clock() is not None, has_battery=has_battery, ahead_s=ahead_s)
        )

    def _sound(self) -> Finding:
        if not self.sink.startswith(_WAV):
            facts = probe_sound("the sound card", self.open_stream, is_agent_running=self.is_agent_running)
            return judge_sound(facts)
        folder = Path(self.sink.removeprefix(_WAV)).parent
        if folder.is_dir() and os.access(folder, os.W_OK):
            return well("Sound", f"It goes to a file in {folder}, which can be written; nobody hears it.")
        return problem("Sound", f"{folder} cannot be written.", "Name another file in LOA_NODE_SINK.")

    def _gpio(self) -> Iterable[Finding]:
        if not self.pins:
            return [skipped("GPIO", "No pin is named in the settings.")]
        running = self.is_agent_running
        return [
            judge_pin(probe_pin(name, number, root=self.root, is_agent_running=running))
            for name, number in self.pins.items()
        ]


def doctor_of(settings: AgentSettings, *, is_agent_running: bool) -> Doctor:
    """For the node that these settings describe; its pins are the settings whose names end in `_pin`."""
    named = {name: value for name, value in settings.model_dump().items() if name.endswith("_pin")}
    return Doctor(
        data=settings.data,
        sink=settings.sink,
        pins={name: value for name, value in named.items() if value is not None},
        is_agent_running=is_agent_running,
        now=SystemTime().now,
        clock=offset_and_error_ms,
        open_stream=partial(open_output, None),
    )


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nobody has to do anything."""
    return all(finding.verdict is not Verdict.PROBLEM for finding in findings)


def as_text(findings: Iterable[Finding]) -> str:
    """For people."""
    lines = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.verdict]}  {finding.check:<10} {finding.said}")
        if finding.do:
            lines.append(f"{'':14} What to do: {finding.do}")
    return "\n".join(lines)


def as_json(findings: Iterable[Finding]) -> str:
    """For programs."""
    found = list(findings)
    return json.dumps(
        {"well": is_well(found), "findings": [asdict(one) for one in found]}, ensure_ascii=False
    )
