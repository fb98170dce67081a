"""`loa-controller root`: the key above all others, and the keepers whom it names.

`new`, `appoint` and `show` need no controller: they run where the stick with the key is.
`request` and `import` run on the controller, and never see the key.
"""

import uuid
from pathlib import Path
from typing import Annotated

import typer

from loa.controller.bundles import make_key_file, read_key_file
from loa.controller.clock import SystemClock
from loa.controller.commands import TERMINAL, Unheard, read_settings, told
from loa.controller.core.passkeys import fingerprint, party_of
from loa.controller.errors import Conflict, Invalid
from loa.controller.ports import Clock, Publisher
from loa.controller.services.audit import Audit
from loa.controller.services.papers import PapersKeeper
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.protocol.charter import Appointment, appoint, verify_appointment
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import AreaId
from loa.protocol.keys import PublicKey

_MOST_BYTES = 1_000_000


def add_to(app: typer.Typer) -> None:
    """The commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="The root key, and the keepers whom it names.")
    group.command("new")(new)
    group.command("request")(request)
    group.command("appoint")(seal)
    group.command("import")(take)
    group.command("show")(show)
    app.add_typer(group, name="root")


def new(file: Path) -> None:
    """Make the root key in FILE, on a stick and on a computer that is no server."""
    with told():
        made = make_key_file(file)
    typer.echo(f"Made {file}. Keep it off every server, and a copy in another safe.")
    typer.echo(f"Its public part, for LOA_ROOT_KEY before nodes enrol: {made.public.x}")


def request(
    out: Path,
    *,
    area: Annotated[str, typer.Option(help="Id of the area.")],
    keeper: Annotated[list[str], typer.Option(help="User name; give at least two, better three.")],
) -> None:
    """Write to OUT who is to keep an area's papers, with their passkeys, to be sealed with the root key."""
    with told():
        settings = read_settings()
        db = _database(settings)
        try:
            papers = make_papers(settings, clock=SystemClock())
            with db.look() as session:
                wanted = papers.request(session, AreaId(area), keeper)
        finally:
            db.close()
        _write(out, wanted.to_bytes().decode())
    _tell(wanted)
    typer.echo(f"Wrote {out}. Where the root key is: loa-controller root appoint --key KEY {out} SEALED")


def seal(
    request: Path,
    out: Path,
    *,
    key: Annotated[Path, typer.Option(help="The root key, as `root new` made it.")],
    yes: Annotated[bool, typer.Option(help="Ask no questions.")] = False,
) -> None:
    """Seal REQUEST with the root key into OUT; needs neither controller nor network."""
    with told():
        root = read_key_file(key)
        try:
            wanted = Appointment.from_bytes(_read(request))
        except ProtocolError as error:
            raise Invalid("no_request", f"{request} is no request of `root request`: {error}") from error
        _tell(wanted)
        if not yes:
            typer.confirm("Did these people show you these fingerprints?", abort=True)
        _write(out, appoint(wanted, root))
    typer.echo(f"Wrote {out}. On the controller: loa-controller root import {out}")


def take(sealed: Path) -> None:
    """Bring a sealed appointment to the controller; its keepers then sign at /admin/trust."""
    with told():
        settings = read_settings()
        db = _database(settings)
        try:
            papers = make_papers(settings, clock=SystemClock())
            with db.work() as work:
                taken = papers.take(work, TERMINAL, _read(sealed).decode())
        finally:
            db.close()
    _tell(taken)
    typer.echo(f"Its keepers sign roster and charter at {settings.address}/admin/trust")


def show(
    file: Path,
    *,
    root: Annotated[
        str | None, typer.Option(help="Public part of the root key; default LOA_ROOT_KEY.")
    ] = None,
) -> None:
    """Say what FILE is: the public part of a root key, or whom an appointment names."""
    with told():
        content = _read(file)
        if content.startswith(b"-----BEGIN"):
            typer.echo(f"A root key. Its public part: {read_key_file(file).public.x}")
            return
        _tell(_appointment(content, root))


def make_papers(
    settings: Settings, *, clock: Clock, audit: Audit | None = None, publisher: Publisher | None = None
) -> PapersKeeper:
    """The service over the root and the address of the settings."""
    return PapersKeeper(
        clock=clock,
        ids=lambda: uuid.uuid4().hex,
        audit=audit or Audit(clock=clock),
        publisher=publisher or Unheard(),
        root=root_of(settings),
        party=party_of(settings.address),
    )


def root_of(settings: Settings) -> PublicKey | None:
    """The root key that the owner trusts, if there is one."""
    return PublicKey.from_x(settings.root_key) if settings.root_key else None


def _appointment(content: bytes, root: str | None) -> Appointment:
    try:
        return Appointment.from_bytes(content)
    except ProtocolError:
        x = root or read_settings().root_key
    if x is None:
        raise Conflict("no_root_key", "say with --root which root key it should be of")
    try:
        return verify_appointment(content.decode().strip(), PublicKey.from_x(x))
    except (ProtocolError, UnicodeDecodeError) as error:
        raise Invalid("not_the_root", f"that root key did not seal it: {error}") from error


def _tell(one: Appointment) -> None:
    typer.echo(f"Keepers of {one.area}, version {one.version}, for {', '.join(one.party.origins)}:")
    for keeper in one.keepers:
        typer.echo(f"  {keeper.user}  passkey {fingerprint(keeper.passkey)}")


def _database(settings: Settings) -> Database:
    folder = DataFolder(settings.data_dir)
    folder.read_key()
    folder.prepare()
    db = Database(settings.database)
    db.migrate()
    return db


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES)
    except OSError as error:
        raise Invalid("no_file", f"{error}; name a file that is there") from error


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x") as out:
            out.write(text + "\n")
    except FileExistsError as error:
        raise Conflict("file_exists", f"{file} exists already; name another file") from error
    except OSError as error:
        raise Invalid("not_written", f"{error}; name a file in a folder where you may write") from error
