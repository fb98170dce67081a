"""`loa-controller reports`: whether the log says what nodes signed, and what they signed, for others."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from loa.controller.commands import read_settings, told, write_lines
from loa.controller.core.report_proofs import Flaw
from loa.controller.core.trail import canonical
from loa.controller.meant import periods
from loa.controller.services.report_proofs import ReportProofs
from loa.controller.store import envelopes
from loa.controller.store.database import Database
from loa.controller.store.trust_tables import EnvelopeRow

FLAWS = {
    Flaw.SIGNATURE: "the envelope is not what the node signed",
    Flaw.KEY: "the envelope is signed with a key with which the node was never enrolled",
    Flaw.PLACE: "the envelope is another one than it is kept as",
    Flaw.MISSING: "the envelopes are missing",
    Flaw.ALTERED: "the envelope does not follow the one before: one of them is not what the node told",
    Flaw.LINE_ALTERED: "the line of the log does not say what the node reported",
    Flaw.LINE_MISSING: "the node reported it, and the log has no line",
    Flaw.LINE_UNPROVED: "the line says that the node reported, and no envelope proves it",
}


def add_to(app: typer.Typer) -> None:
    """The commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="What nodes reported, as they signed it.")
    group.command("verify")(verify_reports)
    group.command("export")(export_reports)
    app.add_typer(group, name="reports")


def verify_reports(
    *,
    since: Annotated[
        datetime | None,
        typer.Option(help="Pass over what came before, in UTC. Default: the first envelope kept."),
    ] = None,
) -> None:
    """Check signatures and chains of all that nodes sent, and the log against it; name what is not right."""
    with told():
        settings = read_settings()
        lines = periods(settings).lines
        lines_from = None if lines is None else datetime.now(UTC) - lines
        with closing(Database(settings.database)) as db, db.look() as session:
            proofs = ReportProofs(session, since=since and since.replace(tzinfo=UTC), lines_from=lines_from)
            flaws = 0
            for node, found in proofs.check():
                flaws += 1
                told_of = f" ({found.what})" if found.what else ""
                typer.echo(f"{node}, {found.where}: {FLAWS[found.flaw]}{told_of}.", err=True)
    typer.echo(_said(proofs))
    if flaws:
        typer.echo(f"Broken: {flaws} of them are not right.", err=True)
        raise typer.Exit(1)
    typer.echo("Whole.")


def export_reports(
    file: Annotated[Path | None, typer.Argument(help="Default: the standard output.")] = None,
) -> None:
    """Write all envelopes as JSON Lines; docs/audit.md says how to check them."""
    with told(), closing(Database(read_settings().database)) as db, db.look() as session:
        write_lines(file, (_exported(row) for row in envelopes.envelopes_of(session)))


def _said(proofs: ReportProofs) -> str:
    tally = proofs.tally
    if proofs.since is None:
        return f"No envelopes are kept yet; nothing proves {tally.older} lines of the log."
    parts = [
        f"{tally.envelopes} envelopes of {tally.nodes} nodes",
        f"{tally.lines} lines of the log say what is in them",
        f"{tally.older} lines are from before {proofs.since:%Y-%m-%d %H:%M:%S} UTC",
    ]
    if tally.unchained:
        parts.append(f"{tally.unchained} envelopes are of agents that do not chain their reports yet")
    return "; ".join(parts) + "."


def _exported(row: EnvelopeRow) -> str:
    members = {
        "node": row.node_id,
        "journal": row.journal_id,
        "first": row.first_number,
        "last": row.last_number,
        "received_at": row.received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "key": row.key_x,
        "envelope": row.sealed,
    }
    return canonical(members)
