"""`loa-controller release`: a key, a bundle, and the bundle on the controller."""

from pathlib import Path
from typing import Annotated

import typer

from loa.controller.bundles import build_release, make_key_file
from loa.controller.clock import SystemClock
from loa.controller.commands import TERMINAL, read_settings, told
from loa.controller.errors import Invalid
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.recordings import Incoming
from loa.controller.services.releases import Releases
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.protocol.keys import KeyRing, PublicKey
from loa.protocol.units import DurationMs

_MINUTE_MS = 60_000
_CHUNK_BYTES = 1 << 20


def add_to(app: typer.Typer) -> None:
    """The commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="Releases of the node agent.")
    group.command("key")(key)
    group.command("build")(build)
    group.command("add")(add)
    app.add_typer(group, name="release")


def key(file: Path) -> None:
    """Make a release key in FILE, on a computer that is no server: who has it decides what nodes run."""
    with told():
        made = make_key_file(file)
    typer.echo(f"Made {file}. Keep it off every server, and keep a copy.")
    typer.echo(f"Its public part, for LOA_RELEASE_KEYS before nodes enrol: {made.public.x}")


def build(
    *,
    wheels: Annotated[Path, typer.Option(help="Folder of the wheels: loa's and all that it needs.")],
    key: Annotated[Path, typer.Option(help="The release key, as `release key` made it.")],
    out: Annotated[Path, typer.Option(help="The bundle to write.")],
    min_agent: Annotated[str, typer.Option(help="Oldest version that can take it.")] = "0.0.0",
    urgent_minutes: Annotated[
        int | None,
        typer.Option(min=0, help="So long to wait for a quiet hour; never cuts what sounds."),
    ] = None,
) -> None:
    """Make a signed bundle of the wheels in a folder."""
    with told():
        urgent = None if urgent_minutes is None else DurationMs(urgent_minutes * _MINUTE_MS)
        built = build_release(
            wheels, key, out, now=SystemClock().now(), min_agent=min_agent, urgent_after_ms=urgent
        )
    manifest = built.manifest
    typer.echo(f"Wrote {out}: version {manifest.version}, {built.size_bytes} bytes, sha256 {built.sha256}")
    typer.echo(
        f"For Python {', '.join(manifest.pythons) or 'any'}; machines {', '.join(manifest.machines) or 'any'}"
    )


def add(file: Path) -> None:
    """Bring a bundle to the controller; a running one offers it at once."""
    with told():
        settings = read_settings()
        folder = DataFolder(settings.data_dir)
        folder.read_key()
        folder.prepare()
        db = Database(settings.database)
        try:
            db.migrate()
            clock = SystemClock()
            releases = make_releases(settings, db, clock, Audit(clock=clock))
            with releases.receive() as incoming:
                _copy(file, incoming)
                kept = releases.keep(TERMINAL, incoming)
        finally:
            db.close()
    typer.echo(f"Added version {kept.version}, sha256 {kept.sha256}. Roll it out with POST /api/v1/rollouts.")


def _copy(file: Path, incoming: Incoming) -> None:
    try:
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK_BYTES):
                incoming.write(chunk)
    except OSError as error:
        raise Invalid("no_file", f"{error}; name the bundle that `release build` wrote") from error


def make_releases(settings: Settings, db: Database, clock: Clock, audit: Audit) -> Releases:
    """The service over the folder of the settings."""
    return Releases(
        db=db,
        clock=clock,
        audit=audit,
        folder=DataFolder(settings.data_dir).releases,
        keys=KeyRing(PublicKey.from_x(x) for x in settings.release_keys),
    )
