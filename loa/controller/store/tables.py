"""The tables of the controller. SQLite and PostgreSQL alike; Alembic makes them, nothing else does.

Instants are aware UTC (`Moment` keeps them so on SQLite, too); structures of the contract are kept as JSON
text in the very form that travels.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from loa.controller.store.columns import Moment, folded, lacking
from loa.controller.store.columns import digest as _digest
from loa.controller.store.columns import moment as _moment
from loa.controller.store.columns import off as _off
from loa.controller.store.columns import text_column as _text

MISSED_BY_EARS = text("(rendered IS false OR heard IS false)")
"""What an ear did not find: few lines of many. A query must say it in these words to use their index."""


class AreaRow(SQLModel, table=True):
    """Địa bàn. A node is an area of kind `node` under its own id; a zone stands outside the tree."""

    __tablename__ = "areas"
    id: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=200)
    kind: str = Field(max_length=16)
    parent_id: str | None = Field(default=None, foreign_key="areas.id", index=True)
    authority: int
    tz: str | None = Field(default=None, max_length=64)
    """None: as the parent's; the root's default is Asia/Ho_Chi_Minh."""
    policy: str | None = _text(nullable=True)
    """JSON of `loa.protocol.policy.Policy`; None: as the parent's."""
    created_at: datetime = _moment()
    closed_at: datetime | None = _moment(nullable=True)


class ZoneMemberRow(SQLModel, table=True):
    """A node's membership of a zone."""

    __tablename__ = "zone_members"
    zone_id: str = Field(primary_key=True, foreign_key="areas.id")
    node_id: str = Field(primary_key=True, foreign_key="areas.id", index=True)


class NodeRow(SQLModel, table=True):
    """Cụm loa: identity, what it last said of itself, what it holds."""

    __tablename__ = "nodes"
    id: str = Field(primary_key=True, foreign_key="areas.id", max_length=64)
    code_hash: str | None = Field(default=None, max_length=64, unique=True)
    code_expires_at: datetime | None = _moment(nullable=True)
    code_key_x: str | None = Field(default=None, max_length=64)
    """The key that the code was used with; only that one may use it again, if the answer got lost."""
    enrolled_at: datetime | None = _moment(nullable=True)
    retired_at: datetime | None = _moment(nullable=True)
    key_x: str | None = Field(default=None, max_length=64)
    config_version: int = Field(default=0, sa_type=BigInteger)
    config_sha256: str | None = Field(default=None, max_length=64)
    config_body: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    config_issued_at: datetime | None = _moment(nullable=True)
    state: str | None = _text(nullable=True)
    """JSON of the last `State`."""
    state_at: datetime | None = _moment(nullable=True)
    """When the controller received it."""
    presence: str = Field(default="unknown", max_length=16)
    presence_at: datetime | None = _moment(nullable=True)
    journal_id: str | None = Field(default=None, max_length=32)
    identities: str | None = _text(nullable=True)
    """JSON of `loa.controller.core.identities.Identities`."""
    released: str | None = Field(default=None, max_length=32)
    """The press of its STOP button that the console released last."""
    settings: str | None = _text(nullable=True)
    """JSON of `loa.protocol.programme.NodeSettings`; None: the defaults."""
    concerns: str | None = _text(nullable=True)
    """What to mind of its machine (`loa.protocol.health.Concern`), parted by commas; None: nothing."""
    self_test_at: str | None = Field(default=None, max_length=5)
    """Local time of the daily self-test; None: none."""
    self_test_asked_at: datetime | None = _moment(nullable=True)
    """When somebody last asked for one."""
    self_test: str | None = _text(nullable=True)
    """JSON of the last `SelfTestReport`."""


class CertificateRow(SQLModel, table=True):
    """A certificate that was made for a node, by its serial number in hexadecimal."""

    __tablename__ = "certificates"
    serial: str = Field(primary_key=True, max_length=40)
    node_id: str = Field(foreign_key="nodes.id", index=True, max_length=64)
    issued_at: datetime = _moment()
    not_after: datetime = _moment()
    revoked_at: datetime | None = _moment(nullable=True)


class HealthRow(SQLModel, table=True):
    """How a node's machine was in one hour."""

    __tablename__ = "health"
    node_id: str = Field(primary_key=True, foreign_key="areas.id")
    at: datetime = Field(sa_column=Column(Moment, primary_key=True, index=True))
    """The beginning of the hour."""
    free_bytes: int | None = Field(default=None, sa_type=BigInteger)
    body: str = _text()
    """JSON of `loa.protocol.health.Health`."""


class UserRow(SQLModel, table=True):
    """A person, or a program that a person answers for."""

    __tablename__ = "users"
    id: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=200)
    phone: str | None = Field(default=None, max_length=32)
    password_hash: str | None = Field(default=None, max_length=255)
    active: bool = True
    created_at: datetime = _moment()
    address: str | None = Field(default=None, max_length=8)
    """How the person is addressed: `loa.controller.core.people.Address`; None: by the name alone."""
    email: str | None = Field(default=None, max_length=254)
    mail_notices: bool = _off()
    """Whether the person asked to be told by e-mail what needs somebody."""
    must_change: bool = _off()
    """The password was given by somebody else, who knows it; the person has to choose another."""
    invite_hash: str | None = Field(default=None, max_length=64, index=True, unique=True)
    """Hash of the secret in the link with which the person chooses a first password."""
    invite_until: datetime | None = _moment(nullable=True)
    factor_due_at: datetime | None = _moment(nullable=True)
    """Until when a role that asks for a second factor works without one; None: nobody asked yet."""


class RoleRow(SQLModel, table=True):
    """What a person may do in an area and all below it."""

    __tablename__ = "roles"
    user_id: str = Field(primary_key=True, foreign_key="users.id")
    area_id: str = Field(primary_key=True, foreign_key="areas.id")
    role: str = Field(primary_key=True, max_length=16)


class SessionRow(SQLModel, table=True):
    """A signed-in browser (`kind` session) or a program's token (`kind` token); only the hash is kept."""

    __tablename__ = "sessions"
    token_hash: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(foreign_key="users.id", index=True)
    kind: str = Field(max_length=16)
    name: str = Field(default="", max_length=200)
    csrf: str = Field(default="", max_length=64)
    created_at: datetime = _moment()
    expires_at: datetime = _moment(index=True)
    seen_at: datetime | None = _moment(nullable=True)
    """About when it was last used; None: not since it was opened."""


class RecordingRow(SQLModel, table=True):
    """Bản thu: a prepared sound in the recordings folder, named by its SHA-256."""

    __tablename__ = "recordings"
    sha256: str = Field(primary_key=True, max_length=64)
    duration_ms: int
    size_bytes: int
    loudness_lufs: float
    loudness_before_lufs: float | None = None
    true_peak_dbtp: float
    origin: str = Field(max_length=16)
    """`loa.controller.core.drills.Origin`."""
    warnings: str = _text()
    """JSON list of warning codes."""
    created_by: str = Field(max_length=64)
    created_at: datetime = _moment()


class StandingRow(SQLModel, table=True):
    """The recording that stands for a standing message on every node."""

    __tablename__ = "standing_messages"
    name: str = Field(primary_key=True, max_length=32)
    """`loa.protocol.kinds.StandingMessage`."""
    recording: str = Field(foreign_key="recordings.sha256", max_length=64)
    changed_by: str = Field(max_length=64)
    changed_at: datetime = _moment()


class SpokenRow(SQLModel, table=True):
    """This recording is a voice reading this text; two texts that read alike give one recording."""

    __tablename__ = "spoken"
    recording: str = Field(primary_key=True, foreign_key="recordings.sha256", max_length=64)
    text_sha256: str = Field(primary_key=True, max_length=64)


class BulletinRow(SQLModel, table=True):
    """Bản tin: what an official writes, with the audience and time that are asked for."""

    __tablename__ = "bulletins"
    id: str = Field(primary_key=True, max_length=32)
    area_id: str = Field(foreign_key="areas.id", index=True)
    """The issuing area."""
    state: str = Field(max_length=16, index=True)
    revision: int = 1
    """The ETag; every save adds one."""
    title: str = Field(max_length=200)
    field: str = Field(max_length=64)
    class_: str = Field(sa_column=Column("class", Text, nullable=False))
    text: str | None = _text(nullable=True)
    voice: str | None = Field(default=None, max_length=64)
    recording: str | None = Field(default=None, foreign_key="recordings.sha256", max_length=64, index=True)
    plan: str = _text()
    """JSON of the audience and time asked for (`loa.controller.core.bulletins.Plan`)."""
    drill: bool | None = None
    comment: str | None = _text(nullable=True)
    created_by: str = Field(foreign_key="users.id")
    created_at: datetime = _moment()
    updated_by: str = Field(max_length=64)
    """Who saved it last; the second of two who save at once is told."""
    updated_at: datetime = _moment()
    submitted_by: str | None = Field(default=None, max_length=64)
    submitted_at: datetime | None = _moment(nullable=True)


class BroadcastRow(SQLModel, table=True):
    """Lịch phát: immutable, approved."""

    __tablename__ = "broadcasts"
    id: str = Field(primary_key=True, max_length=64)
    bulletin_id: str = Field(foreign_key="bulletins.id", index=True)
    document: str = _text()
    """Canonical JSON, the approved bytes."""
    approvals: str = _text()
    """JSON list."""
    issuer: str = Field(foreign_key="areas.id", index=True)
    class_: str = Field(sa_column=Column("class", Text, nullable=False))
    authority: int
    title: str = Field(max_length=200)
    field: str = Field(max_length=64)
    recording: str = Field(foreign_key="recordings.sha256", max_length=64, index=True)
    approved_by: str = Field(max_length=64)
    approved_at: datetime = _moment()
    first_start_at: datetime = _moment(index=True)
    over_at: datetime | None = _moment(nullable=True, index=True)
    """After this instant nothing of it can sound; None: it recurs without end."""
    folded_title: str | None = Field(default=None, sa_column=Column(Text, default=folded, nullable=True))
    """The title as it is searched for."""


class PlacementRow(SQLModel, table=True):
    """A broadcast stands in the programme of an area."""

    __tablename__ = "placements"
    area_id: str = Field(primary_key=True, foreign_key="areas.id")
    broadcast_id: str = Field(primary_key=True, foreign_key="broadcasts.id", index=True)
    issued_at: datetime = _moment()


class OrderRow(SQLModel, table=True):
    """The rank that an area gives to a priority broadcast; absent is 0, lowest first."""

    __tablename__ = "orders"
    area_id: str = Field(primary_key=True, foreign_key="areas.id")
    broadcast_id: str = Field(primary_key=True, foreign_key="broadcasts.id")
    rank: int


class InboxRow(SQLModel, table=True):
    """A higher level's broadcast, as a commune has it before it."""

    __tablename__ = "inbox"
    area_id: str = Field(primary_key=True, foreign_key="areas.id")
    broadcast_id: str = Field(primary_key=True, foreign_key="broadcasts.id", index=True)
    state: str = Field(max_length=16, index=True)
    """waiting, chosen, left (normal); placed (priority); playing (emergency)."""
    received_at: datetime = _moment()
    decided_by: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = _moment(nullable=True)
    chosen_as: str | None = Field(default=None, max_length=64)
    """The commune's own broadcast, if it chose another time."""


class WithdrawalRow(SQLModel, table=True):
    """A broadcast or occurrence taken off the air."""

    __tablename__ = "withdrawals"
    id: str = Field(primary_key=True, max_length=32)
    broadcast_id: str = Field(foreign_key="broadcasts.id", index=True)
    target: str = Field(max_length=96)
    area_id: str | None = Field(default=None, foreign_key="areas.id")
    """Only in this area's programme; None: everywhere."""
    issued_at: datetime = _moment()
    by: str = Field(max_length=64)
    reason: str = Field(default="", max_length=500)


class SilenceRow(SQLModel, table=True):
    """Lệnh dừng phát; first in the journal file, merged into this table when the database is there."""

    __tablename__ = "silences"
    id: str = Field(primary_key=True, max_length=32)
    counter: int = Field(unique=True)
    area_id: str = Field(foreign_key="areas.id", index=True)
    from_at: datetime = _moment()
    until_at: datetime = _moment(index=True)
    issued_at: datetime = _moment()
    authority: int
    by: str = Field(max_length=64)


class ProgrammeRow(SQLModel, table=True):
    """The versions of an area's programme and urgent message, and the programme's body as it is fetched."""

    __tablename__ = "programmes"
    area_id: str = Field(primary_key=True, foreign_key="areas.id")
    version: int = Field(default=0, sa_type=BigInteger)
    sha256: str | None = Field(default=None, max_length=64)
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    issued_at: datetime | None = _moment(nullable=True)
    urgent_version: int = Field(default=0, sa_type=BigInteger)
    urgent: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """The last signed urgent payload, to be published again as it is."""
    stale: bool = False
    """Its contents changed and the body was not yet made anew."""


class JournalRow(SQLModel, table=True):
    """How far a node's journal has been stored without a gap."""

    __tablename__ = "journals"
    node_id: str = Field(primary_key=True, max_length=64)
    journal_id: str = Field(primary_key=True, max_length=32)
    up_to: int = Field(default=0, sa_type=BigInteger)
    seen_at: datetime = _moment()


class ReportRow(SQLModel, table=True):
    """A report as the node sent it: refusals and problems for good, plays until retention."""

    __tablename__ = "reports"
    node_id: str = Field(primary_key=True, max_length=64)
    journal_id: str = Field(primary_key=True, max_length=32)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(max_length=16, index=True)
    at: datetime = _moment(index=True)
    """What the report is about: planned instant of a play, instant of a refusal or problem."""
    received_at: datetime = _moment()
    body: str = _text()


class LogRow(SQLModel, table=True):
    """A line of the broadcast log: one occurrence on one node, exactly once."""

    __tablename__ = "log"
    __table_args__ = (
        UniqueConstraint("occurrence", "node_id"),
        Index("log_by_time", "planned_at", "id", "area_id"),
        Index("log_by_area_time", "area_id", "planned_at", "id"),
        Index("log_by_node_time", "node_id", "planned_at", "id"),
        Index("log_by_broadcast_time", "broadcast_id", "planned_at", "id"),
        Index("log_by_outcome_time", "outcome", "planned_at", "id", "area_id"),
        Index("log_by_class_time", "class", "planned_at", "id", "area_id"),
        Index("log_by_field_time", "field", "planned_at", "id", "area_id"),
        lacking("log_not_rendered", "rendered"),
        lacking("log_not_heard", "heard"),
        Index(
            "log_missed_by_ears", "planned_at", sqlite_where=MISSED_BY_EARS, postgresql_where=MISSED_BY_EARS
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    occurrence: str = Field(max_length=96)
    broadcast_id: str = Field(max_length=64)
    node_id: str = Field(max_length=64)
    area_id: str = Field(max_length=64)
    """The node's parent area when it was planned."""
    path: str = Field(max_length=400)
    """`/province/…/area/`: ids of the areas above at that time."""
    place: str = Field(max_length=400)
    """Names of those areas at that time, for people."""
    title: str = Field(max_length=200)
    field: str = Field(max_length=64)
    class_: str = Field(sa_column=Column("class", Text, nullable=False))
    drill: bool | None = None
    """Whether it was a drill; None: no."""
    planned_at: datetime = _moment()
    duration_ms: int
    outcome: str = Field(default="expected", max_length=32)
    """`expected` until due, `missed` when due and not reported, else the outcome that the node reported."""
    reason_at: datetime | None = _moment(nullable=True)
    by: str | None = Field(default=None, max_length=140)
    delivered_at: datetime | None = _moment(nullable=True)
    """When the node first said that it held a programme with this broadcast."""
    started_at: datetime | None = _moment(nullable=True)
    ended_at: datetime | None = _moment(nullable=True)
    late_ms: int | None = None
    played_ms: int | None = None
    siren_ms: int | None = None
    """How long the standing siren sounded in its place; None if it did not."""
    pieces: str | None = _text(nullable=True)
    rendered: bool | None = None
    """Whether the output gave it, by its loopback; None: not measured."""
    heard: bool | None = None
    """Whether a microphone heard it; None: not measured."""
    evidence: str | None = _text(nullable=True)
    """JSON of `loa.protocol.reports.Evidence`."""
    reported_at: datetime | None = _moment(nullable=True)


class LogPlaceRow(SQLModel, table=True):
    """Where nodes were, over all lines of the log; a trigger keeps it."""

    __tablename__ = "log_places"
    path: str = Field(primary_key=True, max_length=400)
    area_id: str = Field(primary_key=True, max_length=64)


class IdempotencyRow(SQLModel, table=True):
    """The answer to a request that may be sent again."""

    __tablename__ = "idempotency"
    key: str = Field(primary_key=True, max_length=128)
    user_id: str = Field(primary_key=True, max_length=64)
    request_sha256: str = Field(max_length=64)
    status: int
    body: str = _text()
    created_at: datetime = _moment(index=True)


class AuditRow(SQLModel, table=True):
    """An act that matters: who did what to which thing, append only."""

    __tablename__ = "audit"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _moment(index=True)
    user_id: str = Field(max_length=64)
    act: str = Field(max_length=64)
    area_id: str | None = Field(default=None, max_length=64, index=True)
    subject: str = Field(default="", max_length=128)
    detail: str = _text()
    """JSON."""
    previous: str = _digest()
    """The digest of the line before; see `loa.controller.core.trail`."""
    digest: str = _digest()


class ReleaseRow(SQLModel, table=True):
    """A bundle in the folder of releases, named by its SHA-256."""

    __tablename__ = "releases"
    sha256: str = Field(primary_key=True, max_length=64)
    version: str = Field(max_length=32)
    size_bytes: int = Field(sa_type=BigInteger)
    manifest: str = _text()
    """JSON of `loa.protocol.release.Manifest`."""
    added_by: str = Field(max_length=64)
    added_at: datetime = _moment()


class RolloutRow(SQLModel, table=True):
    """A release on its way to the nodes of an area."""

    __tablename__ = "rollouts"
    id: int | None = Field(default=None, primary_key=True)
    release_sha256: str = Field(foreign_key="releases.sha256", max_length=64)
    area_id: str = Field(foreign_key="areas.id")
    status: str = Field(max_length=16)
    reason: str = _text()
    """Why it was halted."""
    stage: int
    stages: int
    stage_began_at: datetime = _moment()
    observe_s: int
    stop_at_pct: int
    spread_s: int
    created_by: str = Field(max_length=64)
    created_at: datetime = _moment()
    ended_at: datetime | None = _moment(nullable=True)


class RolloutNodeRow(SQLModel, table=True):
    """A node in a rollout, and what became of it there."""

    __tablename__ = "rollout_nodes"
    rollout_id: int = Field(primary_key=True, foreign_key="rollouts.id")
    node_id: str = Field(primary_key=True, foreign_key="nodes.id", max_length=64, index=True)
    stage: int
    standing: str = Field(max_length=16)
    detail: str = _text()
    """Why it failed, as the node told it."""
    runs: str = Field(default="", max_length=32)
    """The version that ran there when it told so."""
    changed_at: datetime | None = _moment(nullable=True)


class MetaRow(SQLModel, table=True):
    """Single values of this installation: its id, the highest silence counter merged."""

    __tablename__ = "meta"
    key: str = Field(primary_key=True, max_length=64)
    value: str = _text()
