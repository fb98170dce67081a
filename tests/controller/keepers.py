"""The keepers of a commune with their passkeys, and the papers that they bring into force."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from loa.controller.core.access import Person, Role
from loa.controller.core.papers import PaperKind
from loa.controller.core.passkeys import PersonalKey
from loa.controller.core.sample import COMMUNE
from loa.controller.services.papers import AreaTrust, Draft, PapersKeeper
from loa.controller.store.papers import binder
from loa.controller.store.passkeys import add_passkey
from loa.controller.store.tree import read_tree
from loa.protocol.base64url import from_base64url
from loa.protocol.charter import Appointment, Papers, appoint
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.trust import Trust, newest, trust_in
from tests.controller.factories import PROVINCE, Town
from tests.passkeys import PARTY, SoftPasskey

NODE = NodeId("cum-1")


@dataclass
class Keepers:
    """Kim, Lam and Nam keep the papers of the commune; Hoa and Binh approve there."""

    town: Town
    root: SigningKey = field(default_factory=SigningKey.generate)
    passkeys: dict[str, SoftPasskey] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.db, self.clock = self.town.db, self.town.clock
        self.papers = PapersKeeper(
            clock=self.clock,
            ids=self.new_id,
            audit=self.town.audit,
            publisher=self.town.publisher,
            root=self.root.public,
            party=PARTY,
        )
        for user in ("kim", "lam", "nam"):
            self.person(user, (COMMUNE, Role.OFFICIAL))
        self.person("hoa", (COMMUNE, Role.APPROVER))
        self.person("binh", (COMMUNE, Role.APPROVER), passkey=False)
        self.person("quan", (PROVINCE, Role.ADMIN), passkey=False)
        self.town.node(NODE)

    def new_id(self) -> str:
        return f"{next(self.numbers):032x}"

    def person(self, user: str, *roles: tuple[str, Role], passkey: bool = True) -> Person:
        if user not in self.people:
            self.people[user] = self.town.user(user, *roles)
        if passkey:
            self.give(user)
        return self.people[user]

    def give(self, user: str) -> str:
        """One more passkey of that person; its id in the database."""
        soft = self.passkeys[user] = SoftPasskey()
        key = PersonalKey(
            id=self.new_id(), user_id=user, passkey=soft.public, name="Máy", created_at=self.clock.now()
        )
        with self.db.work() as work:
            add_passkey(work.session, key)
        return key.id

    def appoint(self, *users: str, root: SigningKey | None = None) -> Appointment:
        with self.db.look() as session:
            wanted = self.papers.request(session, AreaId(COMMUNE), users or ("kim", "lam"))
        with self.db.work() as work:
            return self.papers.take(work, "terminal", appoint(wanted, root or self.root))

    def compose(self, user: str = "kim") -> None:
        with self.db.work() as work:
            self.papers.compose(work, self.people[user], AreaId(COMMUNE))

    def sign(
        self, user: str, draft: Draft, passkey: SoftPasskey | None = None, *, shown: Draft | None = None
    ) -> bool:
        """`shown`: what the keeper saw, if it was another one."""
        soft = passkey or self.passkeys[user]
        with self.db.work() as work:
            assertion = soft.sign(from_base64url((shown or draft).challenge))
            return self.papers.sign(work, self.people[user], draft.id, assertion)

    def renew(self, *users: str) -> None:
        """Compose, and have both papers signed."""
        self.clock.forward(seconds=1)
        signers = users or ("kim", "lam")
        self.compose(signers[0])
        for draft in self.trust(signers[0]).drafts:
            for user in signers:
                self.sign(user, draft)

    def trust(self, user: str = "kim") -> AreaTrust:
        with self.db.look() as session:
            (found,) = self.papers.find(session, self.people[user])
        return found

    def draft(self, kind: PaperKind) -> Draft:
        return next(one for one in self.trust().drafts if one.kind is kind)

    def bound(self, node: NodeId = NODE) -> Papers | None:
        """What the configuration of a node carries."""
        with self.db.look() as session:
            return binder(session).of(node, read_tree(session).areas_of(node))

    def believed(self, held: Papers | None = None) -> Trust:
        """What the node makes of it, whatever it held before."""
        arrived = self.bound()
        assert arrived is not None
        return trust_in(newest(held, arrived, self.root.public), root=self.root.public, node=NODE)
