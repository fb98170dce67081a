"""The fuzzer's corpus is answered, a short search finds nothing new, and it would find what there is."""

import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from loa.protocol.errors import MalformedError
from tests.fuzz.corpus import kept, lay_out, take_back
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import MOST_CPU_S, TARGETS, Target, TooSlowError, judge

needs_engine = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has wheels for Linux on x86-64 alone"
)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_whatever_was_found_once_is_answered(target: Target) -> None:
    for content in kept(target):
        judge(target, content)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_genuine_inputs_are_taken_so_that_the_search_begins_inside(target: Target) -> None:
    assert any(_is_taken(target, content) for content in target.seeds())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_inputs_changed_at_random_are_answered(target: Target) -> None:
    rng = Random(1)
    inputs = list(kept(target))
    for seed in range(150):
        judge(target, mutate(rng.choice(inputs), 65_536, seed, blindly=lambda it, _: _flip(it, rng)))


@needs_engine
@pytest.mark.timeout(240)
def test_a_short_search_finds_nothing_new(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--runs", "3000", "--seed", "1", "--place", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=220,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"fuzz: (\d+) executions, (\d+) branches .*, 0 findings", done.stdout)
    assert found is not None
    assert int(found[1]) >= 3000
    assert int(found[2]) > 400


def test_an_error_that_is_not_ours_is_a_finding() -> None:
    def read(content: bytes) -> None:
        raise MalformedError("known") if content == b"bad" else KeyError(content)

    target = Target("broken", read, _nothing)
    judge(target, b"bad")
    with pytest.raises(KeyError):
        judge(target, b"worse")


def test_an_input_that_takes_long_is_a_finding() -> None:
    def read(_content: bytes) -> None:
        end_s = time.process_time() + MOST_CPU_S
        while time.process_time() <= end_s:
            pass

    with pytest.raises(TooSlowError):
        judge(Target("slow", read, _nothing), b"")


def test_the_engines_inputs_come_back_to_their_targets(tmp_path: Path) -> None:
    lay_out(tmp_path / "run", tmp_path / "none")
    (tmp_path / "run" / "new").write_bytes(b"\3" + b"a new one")
    (tmp_path / "run" / "long").write_bytes(b"\3" + bytes(100))
    assert take_back(tmp_path / "run", tmp_path / "kept", most_bytes=50) == 1
    assert [path.read_bytes() for path in (tmp_path / "kept" / TARGETS[3].name).iterdir()] == [b"a new one"]


def _is_taken(target: Target, content: bytes) -> bool:
    try:
        target.read(content)
    except MalformedError:
        return False
    return True


def _flip(content: bytes, rng: Random) -> bytes:
    if not content:
        return bytes([rng.randrange(256)])
    at = rng.randrange(len(content))
    return content[:at] + bytes([rng.randrange(256)]) + content[at + rng.choice((0, 1, 1, 5)) :]


def _nothing() -> Iterator[bytes]:
    yield from ()
