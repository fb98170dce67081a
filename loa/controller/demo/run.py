"""The demo: a small commune with real processes, one scenario, and a verdict by the recorded sound."""

import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from rich.console import Console

from loa.controller.demo.acts import Acts, Wishes
from loa.controller.demo.processes import StageError
from loa.controller.demo.show import Show
from loa.controller.demo.signing import Keepers
from loa.controller.demo.stage import Stage
from loa.protocol.when import DEFAULT_TZ

FOLDER = Path(".demo")


def demo(environment: Mapping[str, str]) -> int:
    """Run the demo below `.demo`; 0 if every node sounded what was expected, else 1."""
    wishes, show = Wishes.of(environment), Show(Console(), DEFAULT_TZ)
    password = secrets.token_urlsafe(12)
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    with closing(Stage(FOLDER.absolute(), sink=wishes.sink)) as stage:
        acts = Acts(stage, show, wishes, password)
        try:
            status = acts.play()
            if not wishes.once:
                _stay(stage, show, password, acts.keepers)
        except KeyboardInterrupt:
            return 130
        except StageError as error:
            show.failed(str(error))
            return 1
    return status


def _stay(stage: Stage, show: Show, password: str, keepers: Keepers) -> None:
    """Leave the stage to whoever opens the console; the keepers sign whatever changes meanwhile."""
    show.step(f"The console is at {stage.address}: sign in as mai, hoa or lan with {password}. Ctrl-C ends.")
    show.step(f"A browser believes it once it knows the demo's own authority: {stage.authority}")
    show.step("To approve as hoa, make a passkey of your own at /me/passkeys; the keepers sign it at once.")
    while True:
        stage.check()
        if keepers.catch_up():
            show.step("The keepers have signed a change, unread; on a real site they read it first.")
        time.sleep(1)
