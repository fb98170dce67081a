"""The broker, our own way to it, and the server's certificate: adapters from the settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from loa.controller.adapters.broker import ChildBroker, FileBroker, Trust
from loa.controller.adapters.courier import BrokerAddress, PahoCourier
from loa.controller.adapters.pem_files import PemFile
from loa.controller.adapters.web_tls import WebTls
from loa.controller.core.broker_rules import BrokerUser, Listener, controller_user
from loa.controller.core.certificates import CONTROLLER, Authority
from loa.controller.meant import broker_hosts, public_hosts
from loa.controller.ports import Clock
from loa.controller.services.broker_users import broker_users
from loa.controller.services.certificates import revocation_list
from loa.controller.services.jobs import Job
from loa.controller.services.mailbox import Mailbox
from loa.controller.services.metrics import Metrics
from loa.controller.serving import listening
from loa.controller.settings import BrokerMode, HttpTls, Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.protocol.keys import SigningKey

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class BrokerParts:
    """The broker, our certificate for it, and the client that uses both."""

    broker: FileBroker
    pem: PemFile
    courier: PahoCourier

    def jobs(self) -> tuple[Job, ...]:
        """What keeps certificates current, and throws out who is to be."""
        why = "certificates are renewed a month before they are over"
        return (
            Job(name="own certificate", run=self.pem.keep, every_s=_DAY_S, grace_s=None, why=why),
            Job(name="broker certificate", run=self.broker.keep, every_s=_DAY_S, grace_s=None, why=why),
            Job(name="cut", run=self.broker.sweep, every_s=15, grace_s=15, why="the next run does it, too"),
        )


def make_broker_parts(
    settings: Settings,
    *,
    folder: DataFolder,
    db: Database,
    clock: Clock,
    authority: Authority,
    key: SigningKey,
    mailbox: Mailbox,
    metrics: Metrics,
) -> BrokerParts:
    """Wired, not started."""
    make = partial(authority.make_client, CONTROLLER)
    pem = PemFile(folder.certificates / "controller.pem", make=make, clock=clock)
    address = BrokerAddress(
        host=settings.broker_host,
        port=settings.broker_port,
        name=CONTROLLER,
        authority=authority.pem,
        certificate=pem.path,
    )
    trust = Trust(
        authority=authority,
        clock=clock,
        hosts=broker_hosts(settings),
        revoked=partial(revocation_list, authority, db),
    )
    courier = PahoCourier(address=address, key=key, receive=mailbox.put, metrics=metrics)
    return BrokerParts(_broker(settings, folder, db, trust), pem, courier)


def make_web_tls(settings: Settings, folder: DataFolder, authority: Authority, clock: Clock) -> WebTls | None:
    """What the HTTP server shows; None where a proxy speaks TLS for us."""
    if settings.http_tls is HttpTls.PROXY:
        return None
    if settings.http_certificate and settings.http_key and settings.http_tls is HttpTls.FILES:
        return WebTls(certificate=settings.http_certificate, key=settings.http_key, pem=None)
    make = partial(authority.make_server, public_hosts(settings))
    pem = PemFile(folder.certificates / "web.pem", make=make, clock=clock)
    return WebTls(certificate=pem.path, key=pem.path, pem=pem)


def tls_jobs(tls: WebTls | None) -> tuple[Job, ...]:
    """What follows the files of the server's certificate."""
    if tls is None:
        return ()
    return (Job(name="tls", run=tls.keep, every_s=3_600, grace_s=None, why="the last certificate goes on"),)


def _broker(settings: Settings, folder: DataFolder, db: Database, trust: Trust) -> FileBroker:
    controller = controller_user(CONTROLLER)

    def users() -> Sequence[BrokerUser]:
        return [controller, *broker_users(db)]

    kind = ChildBroker if settings.broker_mode is BrokerMode.CHILD else FileBroker
    return kind(
        folder=settings.broker_folder or folder.broker,
        listeners=[Listener(host, settings.broker_port) for host in listening(settings.broker_listen)],
        users=users,
        trust=trust,
    )
