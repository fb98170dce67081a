"""The commands of `loa-controller` that need no running controller."""

import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer
from pydantic import ValidationError
from rich.console import Console

from loa.controller import logs
from loa.controller.archive import Archive
from loa.controller.clock import SystemClock
from loa.controller.core.access import Grant, Role
from loa.controller.core.names import name_fault
from loa.controller.core.sample import COMMUNE, SAMPLE
from loa.controller.core.sample_map import sample_whereabouts
from loa.controller.core.tree import AreaKind
from loa.controller.errors import ControllerError, Invalid
from loa.controller.ports import EventKind
from loa.controller.progress import progress_bar
from loa.controller.services.areas import Areas, NewArea
from loa.controller.services.attempts import Attempts
from loa.controller.services.audit import Audit
from loa.controller.services.certificates import Certificates
from loa.controller.services.hashing import PasswordHasher
from loa.controller.services.nodes import Nodes
from loa.controller.services.people import NewUser, People
from loa.controller.services.whereabouts import WhereaboutsKeeper
from loa.controller.settings import Settings
from loa.controller.store import dumps
from loa.controller.store.database import Database
from loa.controller.store.factors import forget_everything
from loa.controller.store.folder import DataFolder
from loa.controller.store.heads import HeadFile
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, NodeId

TERMINAL = "terminal"
"""Who acts in the audit when it is the person at the controller's own terminal."""
_PASSWORD_BYTES = 12


def add_to(app: typer.Typer) -> None:
    """All commands of this module."""
    users = typer.Typer(no_args_is_help=True, help="People who sign in.")
    nodes = typer.Typer(no_args_is_help=True, help="Loudspeakers.")
    app.command("init")(init)
    users.command("add")(add_user)
    users.command("recover")(recover_user)
    nodes.command("add")(add_node)
    app.add_typer(users, name="user")
    app.add_typer(nodes, name="node")
    app.command("authority")(authority)
    app.command("backup")(backup)
    app.command("restore")(restore)


def init(
    *,
    admin: Annotated[str, typer.Option(help="User name of the first administrator.")] = "admin",
    password: Annotated[str | None, typer.Option(help="Default: one is made and printed.")] = None,
    area: Annotated[str, typer.Option(help="Name of the widest area, such as `Tỉnh Phú Thọ`.")] = "",
    kind: Annotated[str, typer.Option(help="What it is: province, district or commune.")] = "province",
    sample: Annotated[
        bool,
        typer.Option(help="Make the sample, figures and outlines made up: Vĩnh Phúc / Lãng Công."),
    ] = False,
) -> None:
    """Make the data directory, the key, the tables and the first administrator."""
    with told():
        settings = read_settings()
        tree = sample_tree() if sample else one_area(area, kind)
        given = password or secrets.token_urlsafe(_PASSWORD_BYTES)
        folder = DataFolder(settings.data_dir)
        folder.check_new()
        check_name(settings)
        with opened(settings) as desk:
            hashed = desk.people.hashed(given, admin)
            with desk.db.work() as work:
                made = [desk.areas.insert(work, TERMINAL, new) for new in tree]
                for known in sample_whereabouts() if sample else ():
                    desk.whereabouts.insert(work, TERMINAL, known)
                grants = frozenset({Grant(made[0].id, Role.ADMIN)})
                first = NewUser(id=admin, name=admin, password=hashed, grants=grants)
                desk.people.insert(work, TERMINAL, first)
                folder.make_key()
    typer.echo(f"Made {settings.data_dir}. Administrator: {admin}")
    if password is None:
        typer.echo(f"Password: {given}")
    typer.echo(f"Start it with `loa-controller serve`, then open {settings.address}")


def add_user(
    user: str,
    *,
    name: Annotated[str, typer.Option(help="The name for people.")] = "",
    password: Annotated[str | None, typer.Option(help="Default: one is made and printed.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="ROLE@AREA, as often as needed.")] = None,
) -> None:
    """Add a person who can sign in."""
    with told():
        given = password or secrets.token_urlsafe(_PASSWORD_BYTES)
        grants = frozenset(_grant(text) for text in role or ())
        settings = read_settings()
        DataFolder(settings.data_dir).read_key()
        with opened(settings) as desk:
            hashed = desk.people.hashed(given, user)
            new = NewUser(id=user, name=name or user, password=hashed, grants=grants)
            with desk.db.work() as work:
                desk.people.insert(work, TERMINAL, new)
    typer.echo(f"Added {user}." + ("" if password else f" Password: {given}"))


def recover_user(user: str) -> None:
    """Give a person another password and take the second factor away, where there are no two for it."""
    with told():
        given = secrets.token_urlsafe(_PASSWORD_BYTES)
        settings = read_settings()
        DataFolder(settings.data_dir).read_key()
        with opened(settings) as desk:
            hashed = desk.people.hashed(given, user)
            with desk.db.work() as work:
                desk.people.set_password(work, user, hashed, must_change=True)
                forget_everything(work.session, user)
                desk.audit.note(work, TERMINAL, "recovery.by_terminal", subject=user)
    typer.echo(f"Recovered {user}. Password, to be changed at the first sign-in: {given}")


def add_node(
    name: str,
    *,
    area: Annotated[str, typer.Option(help="Id of the area below which it stands.")] = COMMUNE,
    node: Annotated[str | None, typer.Option("--id", help="Default: made from the name.")] = None,
) -> None:
    """Add a loudspeaker; prints the one-time code with which it enrols."""
    with told():
        settings = read_settings()
        DataFolder(settings.data_dir).read_key()
        with opened(settings) as desk, desk.db.work() as work:
            code = desk.nodes.insert(work, TERMINAL, name=name, parent=AreaId(area), node=node)
    typer.echo(f"Added {code.node}. On the node, before {code.expires_at:%Y-%m-%d %H:%M} UTC:")
    typer.echo(f"loa-node enrol {settings.address} {code.code}")


def authority() -> None:
    """Print the certificate of the certificate authority: for browsers that are to believe `own` TLS."""
    with told():
        typer.echo(DataFolder(read_settings().data_dir).read_authority().pem, nl=False)


def backup(file: Path) -> None:
    """Write database, recordings, keys and silences to FILE; the controller may run meanwhile."""
    with told():
        settings = read_settings()
        with progress_bar("Backing up") as progress:
            Archive(settings).write(file, datetime.now(UTC), progress)
    typer.echo(f"Wrote {file}. Keep it safe: it holds the controller's key.")


def restore(
    file: Path,
    *,
    force: Annotated[bool, typer.Option(help="Replace what is in the data directory.")] = False,
) -> None:
    """Bring a backup back; stop the controller first. Its nodes go on listening."""
    with told():
        settings = read_settings()
        before = HeadFile(DataFolder(settings.data_dir).audit_head).read()
        with progress_bar("Restoring") as progress:
            Archive(settings).read(file, progress, force=force)
        # The trail goes back to the backup's; the head it had here stays known, and stands in it.
        with opened(settings) as desk, desk.db.work() as work:
            head = None if before is None else f"{before.id}:{before.digest}"
            desk.audit.note(work, TERMINAL, "backup.restored", subject=file.name[:128], head_before=head)
    typer.echo(f"Restored {settings.data_dir}. Start it with `loa-controller serve`.")


@contextmanager
def told() -> Iterator[None]:
    """A refusal ends the command with 1 and one line that says what to do."""
    try:
        yield
    except ControllerError as error:
        Console(stderr=True).print(f"loa-controller: {error.detail}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


def write_lines(file: Path | None, lines: Iterable[str]) -> None:
    """To a new file, or to the standard output; raises `Invalid` where a file can't be made."""
    if file is None:
        _write_to(sys.stdout, lines)
        return
    try:
        with file.open("x", encoding="utf-8", newline="\n") as opened:
            _write_to(opened, lines)
    except OSError as error:
        raise Invalid("not_written", f"{error}; name a new file in a folder of yours") from error


def _write_to(out: TextIO, lines: Iterable[str]) -> None:
    out.writelines(line + "\n" for line in lines)


def read_settings() -> Settings:
    """From the environment; raises `Invalid` with the first that is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = "LOA_" + "_".join(str(part).upper() for part in fault["loc"][:1])
        raise Invalid("bad_setting", f"{name}: {fault['msg']}; see docs/settings.md") from error
    logs.configure(settings.log_format, settings.log_level)
    os.umask(0o077)
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the person at the terminal works with."""

    db: Database
    audit: Audit
    areas: Areas
    people: People
    nodes: Nodes
    whereabouts: WhereaboutsKeeper


@contextmanager
def opened(settings: Settings) -> Iterator[Desk]:
    """The services over the migrated database, beside a running controller or without one."""
    DataFolder(settings.data_dir).prepare()
    db = Database(settings.database)
    try:
        db.migrate()
        yield _desk(db, settings)
    finally:
        db.close()


def sample_tree() -> list[NewArea]:
    """The sample, parents first."""
    return [NewArea(id=one.id, name=one.name, kind=one.kind, parent_id=one.parent_id) for one in SAMPLE]


def one_area(name: str, kind: str) -> list[NewArea]:
    """The top of a tree of one's own."""
    if not name:
        raise Invalid("no_area", "name the widest area: --area 'Tỉnh Phú Thọ'; or take --sample")
    if kind not in set(AreaKind):
        raise Invalid("bad_kind", f"{kind!r} is no kind of area; take province, district or commune")
    return [NewArea(name=name, kind=AreaKind(kind), parent_id=None)]


def make_first_key(settings: Settings) -> None:
    """The key of a controller that nobody has set up yet; one with people lost its key, and is told so."""
    folder = DataFolder(settings.data_dir)
    if not folder.key.exists() and not dumps.is_used(settings.database):
        folder.make_key()


def check_name(settings: Settings) -> None:
    """Raise `Invalid` for an address that passkeys and microphones would fail on."""
    if (fault := name_fault(settings.address)) is not None:
        raise Invalid("bad_name", f"LOA_PUBLIC_URL={settings.address}: {fault}")


class Unheard:
    """Publisher, access list and events of the terminal: a running controller tells nodes when they enrol."""

    def refresh(self) -> None:
        """Nothing is written for the broker from here."""

    def cut(self, node: NodeId) -> None:
        """Nor is anybody thrown out from here."""

    def announce(self, kind: EventKind, area: AreaId, subject: str) -> None:
        """No page listens here."""

    def programme_changed(self, areas: frozenset[AreaId]) -> None:
        """Nothing is sent from here."""

    def emergency(self, areas: frozenset[AreaId], entry: Entry, over_at: datetime | None) -> None:
        """Nothing is sent from here."""

    def urgent_changed(self, areas: frozenset[AreaId]) -> None:
        """Nothing is sent from here."""

    def config_changed(self, nodes: frozenset[AreaId]) -> None:
        """Nothing is sent from here."""


def _desk(db: Database, settings: Settings) -> Desk:
    clock, unheard = SystemClock(), Unheard()
    authority = DataFolder(settings.data_dir).make_authority(clock.now())
    audit = Audit(clock=clock)
    areas = Areas(clock=clock, audit=audit, publisher=unheard, access=unheard)
    nodes = Nodes(
        clock=clock,
        audit=audit,
        areas=areas,
        publisher=unheard,
        access=unheard,
        events=unheard,
        attempts=Attempts(clock=clock),
        certificates=Certificates(authority=authority, clock=clock),
        code_lasting=settings.code_lasting,
    )
    people = People(clock=clock, audit=audit, hasher=PasswordHasher())
    whereabouts = WhereaboutsKeeper(clock=clock, audit=audit)
    return Desk(db=db, audit=audit, areas=areas, people=people, nodes=nodes, whereabouts=whereabouts)


def _grant(text: str) -> Grant:
    role, _, area = text.partition("@")
    if role not in set(Role) or not area:
        raise Invalid("bad_role", f"{text!r} is not ROLE@AREA, such as approver@{COMMUNE}")
    return Grant(AreaId(area), Role(role))
