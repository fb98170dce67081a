"""What the commands of the root key read and write."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from loa.controller.commands import read_settings
from loa.controller.core.passkeys import fingerprint
from loa.controller.errors import Conflict, Invalid
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.protocol.charter import Appointment
from loa.protocol.keys import PublicKey

_MOST_BYTES = 1_000_000


def root_of(settings: Settings) -> PublicKey | None:
    """The root key that the owner trusts, if there is one."""
    return PublicKey.from_x(settings.root_key) if settings.root_key else None


def tell(one: Appointment) -> None:
    """Say whom it names, by the numbers of their passkeys."""
    typer.echo(f"Keepers of {one.area}, version {one.version}, for {', '.join(one.party.origins)}:")
    for keeper in one.keepers:
        typer.echo(f"  {keeper.user}  passkey {fingerprint(keeper.passkey)}")


@contextmanager
def the_database() -> Iterator[tuple[Settings, Database]]:
    """That of a controller that was set up, with its settings."""
    settings = read_settings()
    folder = DataFolder(settings.data_dir)
    folder.read_key()
    folder.prepare()
    db = Database(settings.database)
    try:
        db.migrate()
        yield settings, db
    finally:
        db.close()


def read_file(file: Path) -> bytes:
    """Its bytes; raises `Invalid`."""
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES)
    except OSError as error:
        raise Invalid("no_file", f"{error}; name a file that is there") from error


def write_file(file: Path, text: str) -> None:
    """A new file; raises `Conflict` where one is, and `Invalid`."""
    try:
        with file.open("x") as out:
            out.write(text + "\n")
    except FileExistsError as error:
        raise Conflict("file_exists", f"{file} exists already; name another file") from error
    except OSError as error:
        raise Invalid("not_written", f"{error}; name a file in a folder where you may write") from error
