"""`loa-controller keys`: other keys for a controller whose own may be in somebody else's hands."""

from typing import Annotated

import typer

from loa.controller.clock import SystemClock
from loa.controller.commands import TERMINAL, opened, read_settings, told
from loa.controller.store.folder import DataFolder
from loa.controller.store.renewal import forget_factors_of_all, forget_what_was_signed


def add_to(app: typer.Typer) -> None:
    """All commands of this module."""
    keys = typer.Typer(no_args_is_help=True, help="The controller's own keys.")
    keys.callback()(_group)
    keys.command("renew")(renew)
    app.add_typer(keys, name="keys")


def renew(
    *,
    factors: Annotated[bool, typer.Option(help="Second factors too: everybody sets one up again.")] = False,
    yes: Annotated[bool, typer.Option(help="Ask no questions.")] = False,
) -> None:
    """Make another key and another authority; every node enrols anew. The controller must be stopped."""
    with told():
        settings = read_settings()
        folder = DataFolder(settings.data_dir)
        folder.read_key()
        if not yes:
            typer.confirm("Every node has to enrol again, and everybody to sign in. Go on?", abort=True)
        now = SystemClock().now()
        with folder.held(), opened(settings) as desk:
            with desk.db.work() as work:
                nodes = forget_what_was_signed(work.session)
                if factors:
                    forget_factors_of_all(work.session)
                desk.audit.note(work, TERMINAL, "keys.renewed", nodes=nodes, factors=factors)
            aside = folder.set_keys_aside(now, factors=factors)
            folder.make_key()
            folder.make_authority(now)
    typer.echo(f"Made other keys; the old ones are {', '.join(path.name for path in aside)} beside them.")
    typer.echo(
        f"Start the controller, and give {nodes} nodes a new code each. Old backups hold the old keys."
    )


def _group() -> None:
    """Makes a group of the only command."""
