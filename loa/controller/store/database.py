"""The database: one write transaction a request or job, SQLite or PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Connection, FromClause, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import sessionmaker
from sqlmodel import Session, create_engine, text

from loa.controller.errors import ControllerError, DiskFull, Unavailable
from loa.controller.store import tree
from loa.controller.store.migrate import upgrade

__all__ = ["Database", "Session", "Work"]

BUSY_TIMEOUT_S = 15.0
CONNECT_WITHIN_S = 3
ANSWER_WITHIN_S = 10
"""How long PostgreSQL's machine may take to acknowledge what it was sent."""
POOL = 50
"""Connections: more than the 40 threads in which requests run, and a few for jobs."""
_WRITE = "loa_write"
_PG_WRITER_LOCK = 0x4C6F61
"""Key of the advisory lock that makes PostgreSQL take one writer at a time, as SQLite does."""
_log = structlog.get_logger(__name__)
_PG_TAKE_TURN = text("SELECT pg_advisory_xact_lock(:key)")
_PG_DISK_FULL = "53100"


class Work:
    """A write transaction in hand; `session` belongs to it and to one thread."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._hasty: list[Callable[[], None]] = []
        self._acts: list[Callable[[], None]] = []

    def after_commit(self, act: Callable[[], None], *, first: bool = False) -> None:
        """Have `act` called, in order, once the transaction is on disk; never after a rollback.

        What leaves for nodes at once goes `first`: others wake threads that would take the processor from it.
        It must not raise: what was committed stays so.
        """
        (self._hasty if first else self._acts).append(act)

    def finish(self) -> None:
        """Call the acts; for `Database`, after its commit."""
        for act in (*self._hasty, *self._acts):
            act()


class Database:
    """Opened by URL: `sqlite:////path/file` or `postgresql+psycopg://…`. Thread-safe.

    One writer at a time on both, so that services read and write without thinking of races. What the
    database cannot do becomes `DiskFull` or `Unavailable`.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._busy_timeout_s = busy_timeout_s
        self._writing = threading.Lock()
        self._is_due = False
        self._engine = _sqlite(url, busy_timeout_s) if self.sqlite else _postgresql(url)
        self._writer = self._engine.execution_options(**{_WRITE: True})
        self._sessions = sessionmaker(class_=Session, expire_on_commit=False, info=tree.memory())
        event.listen(self._sessions, "before_flush", tree.note_changes)

    @contextmanager
    def work(self) -> Iterator[Work]:
        """One write transaction: committed at the end, then the acts after commit; rolled back on any error.

        Not to be nested.
        """
        self._catch_up()
        with self._turn(), _translated(), self._sessions(bind=self._writer) as session:
            connection = session.connection()
            if not self.sqlite:
                connection.execute(_PG_TAKE_TURN, {"key": _PG_WRITER_LOCK})
            work = Work(session)
            yield work
            session.commit()
        work.finish()

    @contextmanager
    def look(self) -> Iterator[Session]:
        """Reads of one moment; what is written in it is thrown away."""
        self._catch_up()
        with _translated(), self._sessions(bind=self._engine) as session:
            yield session

    def migrate(self) -> None:
        """Bring the tables to the newest form; does nothing when they are."""
        with self._turn(), _translated(), self._writer.begin() as connection:
            upgrade(connection)

    def begin(self) -> None:
        """Migrate now; before the first use where the database does not answer: STOP does not wait for it."""
        try:
            self.migrate()
        except Unavailable as error:
            self._is_due = True
            _log.warning("database.not_there", why=str(error))

    def check(self) -> None:
        """Return if the database answers, else raise `Unavailable`."""
        with self.look() as session:
            session.connection().execute(text("SELECT 1"))

    def close(self) -> None:
        """Close all connections; a later use opens new ones."""
        self._engine.dispose()

    def _catch_up(self) -> None:
        if self._is_due:
            self.migrate()
            self._is_due = False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=self._busy_timeout_s):
            raise Unavailable("database_busy", "the database is busy; try again in a moment")
        try:
            yield
        finally:
            self._writing.release()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise _meaning(error) from error


def _meaning(error: Exception) -> ControllerError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    full = getattr(cause, "sqlite_errorname", "") in {"SQLITE_FULL", "SQLITE_IOERR_WRITE"}
    if full or getattr(cause, "sqlstate", None) == _PG_DISK_FULL:
        return DiskFull()
    return Unavailable(
        "database_unavailable", f"the database does not answer: {cause}; see the controller's log"
    )


def _sqlite(url: str, busy_timeout_s: float) -> Engine:
    engine = create_engine(url, pool_size=POOL, max_overflow=0, connect_args={"timeout": busy_timeout_s})
    engine.dialect.statement_compiler = _Hinting

    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 -- the driver's own connection
        # SQLAlchemy begins transactions itself, in `begin`, so that a writer asks for its turn at once.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


class _Hinting(SQLiteCompiler):
    """SQLAlchemy leaves hints away for SQLite, which has `INDEXED BY`."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        """What stands behind the name of the table."""
        del table
        return text


def _postgresql(url: str) -> Engine:
    # Without them a server that is gone without a word holds STOP up for minutes.
    patience = {"connect_timeout": CONNECT_WITHIN_S, "tcp_user_timeout": ANSWER_WITHIN_S * 1_000}
    return create_engine(url, pool_size=POOL, max_overflow=0, pool_pre_ping=True, connect_args=patience)
