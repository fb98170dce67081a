"""The controller as one value: every service, wired; `main` builds it, the API and the pages use it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ssl import SSLContext

from loa.controller.gate import Gate
from loa.controller.ports import Clock, Courier, EventStream
from loa.controller.services.alarms import Alarms
from loa.controller.services.alerts import Alerts
from loa.controller.services.areas import Areas
from loa.controller.services.audit import Audit
from loa.controller.services.backups import Backups
from loa.controller.services.broadcasts import Broadcasts
from loa.controller.services.bulletins import Bulletins
from loa.controller.services.certificates import Certificates, Renewals
from loa.controller.services.divergences import Divergences
from loa.controller.services.emergencies import Emergencies
from loa.controller.services.feeds import Feeds
from loa.controller.services.idempotency import Idempotency
from loa.controller.services.inbox import Inbox
from loa.controller.services.invitations import Invitations
from loa.controller.services.log import Log
from loa.controller.services.log_reports import LogReports
from loa.controller.services.mail import Mail
from loa.controller.services.metrics import Metrics
from loa.controller.services.nodes import Nodes
from loa.controller.services.papers import PapersKeeper
from loa.controller.services.passkeys import Passkeys
from loa.controller.services.peaks import Peaks
from loa.controller.services.people import People
from loa.controller.services.policy_effects import PolicyEffects
from loa.controller.services.previews import Previews
from loa.controller.services.profiles import Profiles
from loa.controller.services.proofs import Proofs
from loa.controller.services.publisher import Publisher
from loa.controller.services.readiness import Readiness
from loa.controller.services.recordings import Recordings
from loa.controller.services.recoveries import Recoveries
from loa.controller.services.releases import Releases
from loa.controller.services.reshapes import Reshapes
from loa.controller.services.rollouts import Rollouts
from loa.controller.services.saved_filters import SavedFilters
from loa.controller.services.second_factors import SecondFactors
from loa.controller.services.sessions import Sessions
from loa.controller.services.setup import Setup
from loa.controller.services.silences import Silences
from loa.controller.services.spare_rights import RightsKeeper
from loa.controller.services.standing_messages import StandingMessages
from loa.controller.services.timelines import Timelines
from loa.controller.services.today import Days
from loa.controller.services.trail import TrailKeeper
from loa.controller.services.uploads import Uploads
from loa.controller.services.whereabouts import WhereaboutsKeeper
from loa.controller.services.withdrawals import Withdrawals
from loa.controller.settings import Setting
from loa.controller.store.database import Database
from loa.protocol.keys import SigningKey
from loa.protocol.programme import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that runs beside the requests."""

    name: str
    start: Callable[[], None]
    stop: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where nodes find the controller and its broker, and whose releases they take."""

    address: Address
    release_keys: tuple[str, ...] = ()
    root_key: str | None = None
    """Whose appointments nodes are to believe; None: they take the controller's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Everything that answers requests."""

    db: Database
    clock: Clock
    key: SigningKey
    reach: Reach
    gate: Gate
    metrics: Metrics
    people: People
    sessions: Sessions
    setup: Setup
    backups: Backups
    settings: Sequence[Setting]
    second: SecondFactors
    recoveries: Recoveries
    divergences: Divergences
    invitations: Invitations
    profiles: Profiles
    passkeys: Passkeys
    papers: PapersKeeper
    areas: Areas
    reshapes: Reshapes
    nodes: Nodes
    certificates: Certificates
    renewals: Renewals
    whereabouts: WhereaboutsKeeper
    audit: Audit
    trail: TrailKeeper
    idempotency: Idempotency
    recordings: Recordings
    uploads: Uploads
    peaks: Peaks
    standing: StandingMessages
    bulletins: Bulletins
    broadcasts: Broadcasts
    alarms: Alarms
    emergencies: Emergencies
    inbox: Inbox
    previews: Previews
    timelines: Timelines
    policy_effects: PolicyEffects
    feeds: Feeds
    days: Days
    withdrawals: Withdrawals
    publisher: Publisher
    courier: Courier
    silences: Silences
    rights: RightsKeeper
    releases: Releases
    rollouts: Rollouts
    log: Log
    alerts: Alerts
    mail: Mail
    log_reports: LogReports
    saved_filters: SavedFilters
    proofs: Proofs
    events: EventStream
    readiness: Readiness
    tls: SSLContext | None
    """What the server shows, loaded once the parts run; None where a proxy speaks TLS for us."""
    release_pages: Callable[[], None]
    """Ends the event streams of open pages, so that a server that stops need not wait for them."""
    parts: tuple[Part, ...] = field(default=())
    """In the order in which they are started; stopped in reverse."""
