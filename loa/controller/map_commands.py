"""The commands of `loa-controller` for the map: `loa-controller map import`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from loa.controller.commands import TERMINAL, opened, read_settings, told
from loa.controller.errors import Invalid, TooLarge
from loa.controller.services.whereabouts import Imported
from loa.controller.store.folder import DataFolder

MOST_BYTES = 256 * 1024 * 1024
"""Of a file; a province with all its villages in full detail has some 50 MB."""


def add_to(app: typer.Typer) -> None:
    """All commands of this module."""
    maps = typer.Typer(no_args_is_help=True, help="Outlines of areas.")
    maps.command("import")(import_outlines)
    app.add_typer(maps, name="map")


def import_outlines(
    file: Annotated[Path, typer.Argument(help="A GeoJSON FeatureCollection, in degrees of WGS 84.")],
) -> None:
    """Take over outlines: the feature's id, or its property id, code or name, says which area it is."""
    with told():
        collection = _read(file)
        settings = read_settings()
        DataFolder(settings.data_dir).read_key()
        with opened(settings) as desk, desk.db.work() as work:
            done = desk.whereabouts.import_outlines(work, TERMINAL, collection)
    _say(done)


def _read(file: Path) -> object:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise TooLarge("too_large", f"{file} is larger than {MOST_BYTES} bytes; simplify it first")
        return json.loads(file.read_bytes())
    except OSError as error:
        raise Invalid("no_outlines", f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Invalid("no_outlines", f"{file} is no JSON: {error}") from error


def _say(done: Imported) -> None:
    typer.echo(f"Set {len(done.set)} outlines.")
    if done.unknown:
        typer.echo(
            f"No area is called so: {', '.join(done.unknown)}. Give the feature the area's id.", err=True
        )
    if done.ambiguous:
        typer.echo(f"Several areas are called so: {', '.join(done.ambiguous)}. Give their ids.", err=True)
