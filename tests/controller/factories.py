"""A small commune with people and nodes, for the tests of every service."""

from dataclasses import dataclass, field
from datetime import timedelta

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.certificates import Authority
from loa.controller.core.sample import COMMUNE, SAMPLE, VILLAGES
from loa.controller.core.tree import AreaKind
from loa.controller.services.areas import Areas, NewArea
from loa.controller.services.attempts import Attempts
from loa.controller.services.audit import Audit
from loa.controller.services.certificates import Certificates
from loa.controller.services.failed_sign_ins import FailedSignIns
from loa.controller.services.hashing import PasswordHasher
from loa.controller.services.metrics import Metrics
from loa.controller.services.nodes import Nodes
from loa.controller.services.people import NewUser, People
from loa.controller.services.second_factors import SecondFactors
from loa.controller.services.sessions import Sessions
from loa.controller.store.database import Database
from loa.controller.store.sealing import KEY_BYTES, Sealer
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import SigningKey
from tests.fakes.controller import START, FakeAccess, FakeClock, FakeEvents, FakePublisher

AUTHORITY = Authority.make(START)

PROVINCE = AreaId("vinh-phuc")
DISTRICT = AreaId("song-lo")
PASSWORD = "mat-khau-thu-nghiem"
SEALER = Sealer(b"k" * KEY_BYTES)


@dataclass
class Town:
    """The services of areas, people and nodes over one database, and the fakes behind them."""

    db: Database
    clock: FakeClock = field(default_factory=FakeClock)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    access: FakeAccess = field(default_factory=FakeAccess)
    events: FakeEvents = field(default_factory=FakeEvents)
    key: SigningKey = field(default_factory=SigningKey.generate)
    hasher: PasswordHasher = field(default_factory=lambda: PasswordHasher(memory_kib=64, rounds=1))

    def __post_init__(self) -> None:
        hasher = self.hasher
        attempts = self.attempts = Attempts(clock=self.clock)
        self.audit = Audit(clock=self.clock)
        self.areas = Areas(clock=self.clock, audit=self.audit, publisher=self.publisher, access=self.access)
        look_again = self.events.look_again
        self.people = People(clock=self.clock, audit=self.audit, hasher=hasher, look_again=look_again)
        self.second = SecondFactors(
            clock=self.clock,
            audit=self.audit,
            sealer=SEALER,
            roles=(Role.ADMIN, Role.APPROVER),
            grace=timedelta(days=14),
        )
        self.metrics = Metrics()
        self.sessions = Sessions(
            db=self.db,
            clock=self.clock,
            audit=self.audit,
            hasher=hasher,
            attempts=attempts,
            second=self.second,
            lasting=timedelta(days=30),
            idle=timedelta(days=14),
            look_again=look_again,
            refused=FailedSignIns(clock=self.clock, metrics=self.metrics).note,
        )
        self.certificates = Certificates(authority=AUTHORITY, clock=self.clock)
        self.nodes = Nodes(
            clock=self.clock,
            audit=self.audit,
            areas=self.areas,
            publisher=self.publisher,
            access=self.access,
            events=self.events,
            attempts=attempts,
            certificates=self.certificates,
            code_lasting=timedelta(hours=24),
        )

    def build(self) -> "Town":
        """Make the sample's areas."""
        with self.db.work() as work:
            for one in SAMPLE:
                new = NewArea(id=one.id, name=one.name, kind=one.kind, parent_id=one.parent_id)
                self.areas.insert(work, "test", new)
        return self

    def user(self, user_id: str, *roles: tuple[str, Role]) -> Person:
        """Make a user with these roles, given as (area, role), and the password `PASSWORD`."""
        grants = frozenset(Grant(AreaId(area), role) for area, role in roles)
        hashed = self.people.hashed(PASSWORD, user_id)
        new = NewUser(id=user_id, name=user_id.title(), password=hashed, grants=grants)
        with self.db.work() as work:
            self.people.insert(work, "test", new)
        return Person(user_id, new.name, grants)

    def node(self, node_id: str, parent: str = VILLAGES[0], *, enrolled: bool = True) -> SigningKey:
        """Make a node; its key."""
        key = SigningKey.generate()
        with self.db.work() as work:
            code = self.nodes.insert(work, "test", name=node_id, parent=AreaId(parent), node=node_id)
            if enrolled:
                self.nodes.enrol(work, code.code, key.public.x, source="test")
        return key

    def zone(self, zone_id: str, *members: str, parent: str = COMMUNE) -> None:
        """Make a zone of these nodes."""
        admin = Person("test", "Test", frozenset({Grant(AreaId(parent), Role.ADMIN)}))
        zone = AreaId(zone_id)
        with self.db.work() as work:
            self.areas.insert(
                work, "test", NewArea(id=zone, name=zone_id, kind=AreaKind.ZONE, parent_id=AreaId(parent))
            )
            self.areas.set_members(work, admin, zone, frozenset(NodeId(one) for one in members))
