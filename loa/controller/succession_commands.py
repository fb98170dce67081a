"""`loa-controller root papers` and `root succeed`: the root key is replaced by one that it names itself."""

from pathlib import Path
from typing import Annotated

import typer

from loa.controller.bundles import read_key_file
from loa.controller.clock import SystemClock
from loa.controller.commands import TERMINAL, told
from loa.controller.errors import Conflict, Invalid
from loa.controller.root_files import read_file, root_of, tell, the_database, write_file
from loa.controller.services.audit import Audit
from loa.controller.services.successions import HandOver, appointments_of, held_by, succeed, take_over
from loa.controller.settings import Settings
from loa.controller.store.folder import DataFolder
from loa.protocol.errors import MalformedError


def add_to(group: typer.Typer) -> None:
    """The commands of this module, to those of the root key."""
    group.command("papers")(papers)
    group.command("succeed")(name_successor)


def papers(out: Path) -> None:
    """Write to OUT the appointments that count, for `root succeed` where the root key is."""
    with told(), the_database() as (_, db):
        with db.look() as session:
            held = held_by(session)
        write_file(out, held.to_bytes().decode())
    typer.echo(f"Wrote {out}: {len(held.appointments)} appointments.")
    typer.echo(f"Where the root key is: loa-controller root succeed {out} NEXT --key OLD --next NEW")


def name_successor(
    held: Path,
    out: Path,
    *,
    key: Annotated[Path, typer.Option(help="The root key that ends.")],
    next: Annotated[Path, typer.Option(help="The next one, as `root new` made it.")],  # noqa: A002 -- its name
    yes: Annotated[bool, typer.Option(help="Ask no questions.")] = False,
) -> None:
    """Let the root key name the next one, which seals what is in HELD, into OUT; needs no controller."""
    with told():
        old, new = read_key_file(key), read_key_file(next)
        given = read_hand_over(read_file(held))
        if given is None:
            raise Invalid("no_papers", f"{held} is no file of `root papers`")
        for one in appointments_of(given, old.public):
            tell(one)
        if not yes:
            typer.confirm("Are these your keepers, and is the root to be another from now on?", abort=True)
        write_file(out, succeed(given, old, new, SystemClock().now()).to_bytes().decode())
    typer.echo(f"Wrote {out}. On the controller, while it is stopped: loa-controller root import {out}")


def take(settings: Settings, given: HandOver) -> None:
    """Bring the next root to the controller, and say which settings it needs."""
    root = root_of(settings)
    if root is None:
        raise Conflict("no_root_key", "LOA_ROOT_KEY still has to be the root key that ends")
    with DataFolder(settings.data_dir).held(), the_database() as (_, db), db.work() as work:
        successor = take_over(work, Audit(clock=SystemClock()), TERMINAL, given, root)
    steps = ", ".join(f'"{one}"' for one in (*settings.root_successions, given.succession))
    typer.echo("Put these two lines into the settings in place of the former, then start the controller:")
    typer.echo(f"LOA_ROOT_KEY={successor.x}")
    typer.echo(f"LOA_ROOT_SUCCESSIONS='[{steps}]'")


def read_hand_over(content: bytes) -> HandOver | None:
    """What a file holds, if it is one of these."""
    try:
        return HandOver.from_bytes(content)
    except MalformedError:
        return None
