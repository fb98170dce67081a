"""`loa-controller root`: the key above all others, and the keepers whom it names.

`new`, `appoint`, `succeed` and `show` need no controller: they run where the stick with the key is.
`request`, `papers` and `import` run on the controller, and never see the key.
"""

import uuid
from pathlib import Path
from typing import Annotated

import typer

from loa.controller import succession_commands
from loa.controller.bundles import make_key_file, read_key_file
from loa.controller.clock import SystemClock
from loa.controller.commands import TERMINAL, Unheard, read_settings, told
from loa.controller.core.passkeys import party_of
from loa.controller.errors import Conflict, Invalid
from loa.controller.ports import Clock, Publisher
from loa.controller.root_files import read_file, root_of, tell, the_database, write_file
from loa.controller.services.audit import Audit
from loa.controller.services.papers import PapersKeeper
from loa.controller.settings import Settings
from loa.protocol.charter import Appointment, appoint, verify_appointment
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import AreaId
from loa.protocol.keys import PublicKey


def add_to(app: typer.Typer) -> None:
    """The commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="The root key, and the keepers whom it names.")
    group.command("new")(new)
    group.command("request")(request)
    group.command("appoint")(seal)
    group.command("import")(take)
    group.command("show")(show)
    succession_commands.add_to(group)
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
        with the_database() as (settings, db), db.look() as session:
            papers = make_papers(settings, clock=SystemClock())
            wanted = papers.request(session, AreaId(area), keeper)
        write_file(out, wanted.to_bytes().decode())
    tell(wanted)
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
            wanted = Appointment.from_bytes(read_file(request))
        except ProtocolError as error:
            raise Invalid("no_request", f"{request} is no request of `root request`: {error}") from error
        tell(wanted)
        if not yes:
            typer.confirm("Did these people show you these fingerprints?", abort=True)
        write_file(out, appoint(wanted, root))
    typer.echo(f"Wrote {out}. On the controller: loa-controller root import {out}")


def take(sealed: Path) -> None:
    """Bring a sealed appointment to the controller, or the next root; keepers sign at /admin/trust."""
    with told():
        content = read_file(sealed)
        given = succession_commands.read_hand_over(content)
        if given is not None:
            succession_commands.take(read_settings(), given)
            return
        with the_database() as (settings, db), db.work() as work:
            papers = make_papers(settings, clock=SystemClock())
            taken = papers.take(work, TERMINAL, content.decode())
    tell(taken)
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
        content = read_file(file)
        if content.startswith(b"-----BEGIN"):
            typer.echo(f"A root key. Its public part: {read_key_file(file).public.x}")
            return
        tell(_appointment(content, root))


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
