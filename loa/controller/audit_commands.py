"""`loa-controller audit`: whether the trail is whole, and the trail for others to check."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from loa.controller.commands import read_settings, told, write_lines
from loa.controller.core.trail import GENESIS, Broken, Fault, Head, exported, verify
from loa.controller.errors import Invalid
from loa.controller.store import audits
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.controller.store.heads import HeadFile

FAULTS = {
    Fault.ALTERED: "was altered: it is not what its digest says",
    Fault.DETACHED: "does not follow the line before it: a line was taken out, or put in between",
    Fault.REPLACED: "is another one than the head that was kept: lines were written anew",
    Fault.CUT: "and what followed is missing: the end of the trail was cut off",
}


def add_to(app: typer.Typer) -> None:
    """The commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="The audit trail.")
    group.command("verify")(verify_trail)
    group.command("export")(export)
    app.add_typer(group, name="audit")


def verify_trail(
    *,
    head: Annotated[
        str | None, typer.Option(help="ID:DIGEST that was kept elsewhere. Default: the data directory's.")
    ] = None,
) -> None:
    """Walk the whole chain; name the first line that is not right, and end with 1."""
    with told():
        settings = read_settings()
        kept = HeadFile(DataFolder(settings.data_dir).audit_head).read() if head is None else _head(head)
        with closing(Database(settings.database)) as db, db.look() as session:
            found = verify(audits.all_lines(session), kept)
    if isinstance(found, Broken):
        typer.echo(f"Broken: line {found.id} {FAULTS[found.fault]}.", err=True)
        raise typer.Exit(1)
    against = "no head was kept elsewhere" if kept is None else f"and holds the head kept at line {kept.id}"
    typer.echo(f"Whole: {found.id} is the last line, {against}. Head: {found.id}:{found.digest}")


def export(file: Annotated[Path | None, typer.Argument(help="Default: the standard output.")] = None) -> None:
    """Write the whole trail as JSON Lines, with digests; docs/audit.md says how to check it."""
    with told(), closing(Database(read_settings().database)) as db, db.look() as session:
        write_lines(file, (exported(sealed) for sealed in audits.all_lines(session)))


def _head(text: str) -> Head:
    id_, _, digest = text.partition(":")
    if not id_.isascii() or not id_.isdigit() or len(digest) != len(GENESIS):
        raise Invalid("bad_head", f"{text!r} is not ID:DIGEST as `audit verify` prints it")
    return Head(int(id_), digest)
