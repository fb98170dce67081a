"""The sound card is taken away under a playing agent, and comes back."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty

import pytest

from loa.protocol.keys import SigningKey
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import State
from tests.node_agent.makers import make_broadcast, make_config, make_entry, make_programme, make_source
from tests.node_agent.processes import NodeProcess, make_sound
from tests.node_agent.station import Station, awaited
from tests.pulse import Pulse, pulse
from tests.waiting import wait_for

pytestmark = pytest.mark.flow

SINK = "square-0"


@contextmanager
def an_agent(folder: Path, environment: dict[str, str]) -> Iterator[tuple[Station, NodeProcess]]:
    key = SigningKey.generate()
    station, node = Station(folder, node_key=key), NodeProcess(folder, node_key=key)
    try:
        station.start()
        node.sink, node.environment = "default", environment
        node.enrol(host=station.broker.host, port=station.broker.port, base_url=station.base_url)
        station.configure(make_config(issued_at=datetime.now(UTC)))
        node.start()
        yield station, node
    finally:
        node.close()
        station.close()


def says(node: NodeProcess, event: str, times: int) -> None:
    wait_for(lambda: node.log.read_text().count(event) >= times, what=event, within_s=60)


def is_open(station: Station, known: list[bool]) -> bool | None:
    """What the last state said of the output; nothing said is all well."""
    while True:
        try:
            _, said = station.came.get_nowait()
        except Empty:
            return known[-1] if known else None
        if isinstance(said, State):
            known.append(said.output is None or said.output.is_open)


def sounds(served: Pulse) -> bool:
    """Whether the sink plays anything but silence within a second."""
    command = ["parec", f"--device={SINK}.monitor", "--raw"]
    with subprocess.Popen(command, env=served.environment(SINK), stdout=subprocess.PIPE) as recorder:
        assert recorder.stdout is not None
        heard = recorder.stdout.read(96_000)
        recorder.terminate()
    return any(heard)


def test_a_server_that_dies_is_reported_and_its_successor_sounds(tmp_path: Path) -> None:
    content = make_sound(tmp_path, seconds=120, seed=3)
    with pulse(tmp_path, [SINK]) as served, an_agent(tmp_path, served.environment(SINK)) as (station, node):
        known: list[bool] = []
        says(node, "event=configured", 1)
        now = datetime.now(UTC)
        source = make_source(station.serve_recording(content), duration_ms=120_000, size_bytes=len(content))
        programme = make_programme(
            make_entry(make_broadcast(now + timedelta(seconds=5), source=source), issued_at=now),
            issued_at=now,
        )
        station.issue(programme)
        says(node, "event=began", 1)
        assert sounds(served)
        served.process.kill()
        served.process.wait()
        (problem,) = awaited(station, lambda one: one.problems() or None, "a report")
        assert problem.code is ProblemCode.PLAYER_FAILED
        awaited(station, lambda one: is_open(one, known) is False, "the state says that it is gone")
        with pulse(tmp_path, [SINK]) as successor:
            says(node, "event=began", 2)
            assert sounds(successor)
            awaited(station, lambda one: is_open(one, known), "the state says that it is back")
        assert len(station.problems()) == 1, "told once, however often the card was tried"


def test_a_card_that_comes_after_the_agent_is_found(tmp_path: Path) -> None:
    (tmp_path / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    environment = {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PULSE_SERVER": f"unix:{tmp_path / 'pulse.socket'}",
    }
    with an_agent(tmp_path, environment) as (station, node):
        (problem,) = awaited(station, lambda one: one.problems() or None, "a report")
        assert problem.code is ProblemCode.PLAYER_FAILED
        with pulse(tmp_path, [SINK]):
            says(node, "event=player_open", 1)
