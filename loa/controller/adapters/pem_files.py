"""The controller's own certificates, as files that its owner alone may read."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from loa.controller.core.certificates import RENEW_BEFORE, KeyPair
from loa.controller.ports import Clock
from loa.controller.store.private_files import replace_private


class PemFile:
    """A key and its certificate in one file; made anew at every start, and well before it is over."""

    def __init__(self, path: Path, *, make: Callable[[datetime], KeyPair], clock: Clock) -> None:
        self.path = path
        self._make = make
        self._clock = clock
        self._renew_at: datetime | None = None

    @property
    def is_due(self) -> bool:
        """Whether `keep` would make another one."""
        return self._renew_at is None or self._clock.now() >= self._renew_at

    def keep(self) -> None:
        """Have a current one in the file. Raises OSError."""
        if not self.is_due:
            return
        pair = self._make(self._clock.now())
        write_private(self.path, pair.key + pair.leaf.pem)
        self._renew_at = pair.leaf.not_after - RENEW_BEFORE


def write_private(path: Path, text: str) -> None:
    """Atomic, mode 0600, in a folder that is made where there is none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_private(path, text.encode())
