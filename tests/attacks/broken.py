"""A check is taken out of one loudspeaker's code, or of the controller's, and the attack succeeds.

So it is known for each case which check stops it, and that it would have sounded without.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.attacks.case import Case, Edit, Stage
from tests.attacks.forge import URGENT
from tests.attacks.town import VICTIM
from tests.flow.village import Loudspeaker
from tests.machines import SIMULATED_DAYS

ROOT = Path(__file__).parents[2]
NOT_FROM_HERE = {"PYTHONSAFEPATH": "1"}
"""A process that looks for code in the folder in which it was started would find ours."""


@contextmanager
def without(stage: Stage, case: Case, folder: Path) -> Iterator[None]:
    """The case's checks are out at the victim; other loudspeakers go on as they were.

    Nothing of what the victim takes in meanwhile stays with it.
    """
    code = _broken_code(folder, case.broken)
    if case.is_controllers:
        _restart_controller(stage, code)
    stage.overwrite(URGENT, stage.forger.urgent())
    node = stage.town.node(VICTIM)
    with _restored(node.data, folder / "data"):
        node.environment |= {"PYTHONPATH": f"{code}:{SIMULATED_DAYS}", **NOT_FROM_HERE}
        _restart(node)
        yield
        node.kill()
    if case.is_controllers:
        _restart_controller(stage, None)
    shutil.rmtree(code)


def apply(code: Path, edit: Edit) -> None:
    """Take the check out of a copy; AssertionError if it no longer stands there, or stands there twice."""
    path = code / edit.file
    text = path.read_text()
    assert text.count(edit.old) == 1, f"{edit.file} has {text.count(edit.old)} times: {edit.old}"
    path.write_text(text.replace(edit.old, edit.new))


def _broken_code(folder: Path, edits: Sequence[Edit]) -> Path:
    code = folder / "code"
    shutil.copytree(ROOT / "loa", code / "loa")
    for edit in edits:
        apply(code, edit)
    return code


def _restart_controller(stage: Stage, code: Path | None) -> None:
    stage.town.code = code
    stage.town.kill()
    stage.town.start()
    stage.enter()


def _restart(node: Loudspeaker) -> None:
    node.kill()
    before = len(node.log())
    node.start()
    node.says("event=connected", since=before)


@contextmanager
def _restored(data: Path, kept: Path) -> Iterator[None]:
    shutil.copytree(data, kept)
    yield
    shutil.rmtree(data)
    shutil.move(kept, data)
