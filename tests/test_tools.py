"""What `make check` runs of our own must be able to find what it looks for."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools import dead_code, lock_fits, words

LOCK = """\
numpy==2.4.6 \\
    --hash=sha256:aa
    # via loa (pyproject.toml)
audioop-lts==0.2.2 ; python_version >= "3.13" \\
    --hash=sha256:bb
    # via loa (pyproject.toml)
"""


def test_a_lock_file_that_fits_is_left_in_peace() -> None:
    wanted = [Requirement("numpy>=2.2"), Requirement("audioop_lts>=0.2; python_version >= '3.13'")]
    assert not lock_fits.judge(wanted, lock_fits.entries(LOCK))


@pytest.mark.parametrize(
    ("wanted", "lock", "misfit"),
    [
        (["numpy>=3", "audioop-lts"], LOCK, "numpy>=3: the lock file has 2.4.6"),
        (["numpy", "audioop-lts", "rich"], LOCK, "rich: not in the lock file"),
        (["numpy"], LOCK, "audioop-lts: no longer asked for by pyproject.toml"),
        (["numpy", "audioop-lts"], LOCK.replace("--hash=sha256:bb", ""), "audioop-lts: has no hash"),
    ],
)
def test_a_lock_file_that_does_not_fit_is_found(wanted: list[str], lock: str, misfit: str) -> None:
    assert lock_fits.judge([Requirement(line) for line in wanted], lock_fits.entries(lock)) == [misfit]


def test_a_node_gets_the_versions_that_were_tested() -> None:
    whole = lock_fits.entries(LOCK)
    assert lock_fits.differing(lock_fits.entries(LOCK), whole) == []
    other = lock_fits.entries(LOCK.replace("2.4.6", "2.5.0") + "rich==1.0 \\\n    --hash=sha256:cc\n")
    assert lock_fits.differing(other, whole) == ["numpy", "rich"]


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # TO" + "DO later",
        "import os  # no" + "qa",
        "import os  # no" + "qa: F401",
        "x = y()  # type" + ": ignore",
        "x = y()  # type" + ": ignore[misc]",
        "see /" + "home/me/notes.txt",
        "as asked in is" + "sue 12",
        "import unittest" + ".mock",
        "time.sl" + "eep(1)",
    ],
)
def test_words_that_do_not_belong_here_are_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_x.py").write_text(line + "\n")
    assert len(words.judge("tests/test_x.py", tmp_path)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import os  # no" + "qa: F401  # loaded for its effect",
        "import os  # no" + "qa: F401, E402 - loaded for its effect",
        "x = y()  # type" + ": ignore[misc]  # the library has no types",
        "await asyncio.sl" + "eep(0)",
    ],
)
def test_what_gives_its_reason_stays(tmp_path: Path, line: str) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_x.py").write_text(line + "\n")
    assert not words.judge("tests/test_x.py", tmp_path)


def test_code_that_nothing_uses_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "module.py").write_text("UNUSED = 1\nUSED = 2\n\ndef unheard_of(): return USED\n")
    assert dead_code.main([str(tmp_path)]) == 1
    found = capsys.readouterr().err.splitlines()
    assert [line.split(": ", 1)[1] for line in found] == [
        "unused variable UNUSED",
        "unused function unheard_of",
    ]


def test_what_a_template_names_is_used() -> None:
    assert dead_code.spoken("<p class=x>{{ node.late(3) }} word {% if PLAYING %}") == {
        "node",
        "late",
        "3",
        "if",
        "PLAYING",
    }
