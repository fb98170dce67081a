"""A check is taken out of one loudspeaker's code, or of the controller's, and the attack succeeds.

So it is known for each case which check stops it, and that it would have sounded without.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.attacks.case import Case, Edit, Stage
from tests.attacks.forge import URGENT
from tests.attacks.town import VICTIM, Town

ROOT = Path(__file__).parents[2]
_CONTROLLER = "loa/controller/"


@contextmanager
def without(stage: Stage, case: Case, folder: Path) -> Iterator[None]:
    """The case's checks are out; loudspeakers other than one go on as they were.

    Nothing of what the one takes in while it is broken stays with it.
    """
    code = _broken_code(folder, case.broken)
    stage.overwrite(URGENT, stage.forger.urgent())
    if any(edit.file.startswith(_CONTROLLER) for edit in case.broken):
        _restart_controller(stage.town, code)
    with _restored(stage.town.node(VICTIM).data, folder / "data"):
        _restart_victim(stage.town, code)
        yield
        stage.town.node(VICTIM).kill()
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


def _restart_controller(town: Town, code: Path) -> None:
    town.code = code
    town.kill()
    town.start()
    town.office.sign_in()


def _restart_victim(town: Town, code: Path) -> None:
    node = town.node(VICTIM)
    node.kill()
    node.environment["PYTHONPATH"] = str(code)
    before = len(node.log())
    node.start()
    node.says("event=connected", since=before)


@contextmanager
def _restored(data: Path, kept: Path) -> Iterator[None]:
    shutil.copytree(data, kept)
    yield
    shutil.rmtree(data)
    shutil.move(kept, data)
