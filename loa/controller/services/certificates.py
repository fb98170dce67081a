"""Certificates of nodes: made at enrolment, renewed by proof of the node's key, revoked."""

import random
from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.certificates import Authority, renew_after
from loa.controller.errors import Unauthenticated
from loa.controller.ports import Clock
from loa.controller.services.attempts import Attempts
from loa.controller.store import certificates as store
from loa.controller.store.database import Database, Session, Work
from loa.controller.store.nodes import key_of
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import NodeId
from loa.protocol.keys import KeyRing, PublicKey, SigningKey
from loa.protocol.proof import check_proof, make_challenge


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """A node's certificate, and when it is to ask for the next one."""

    certificate: str
    """PEM."""
    renew_after: datetime


class Certificates:
    """The authority at work."""

    def __init__(self, *, authority: Authority, clock: Clock) -> None:
        self._authority = authority
        self._clock = clock
        self._random = random.SystemRandom()

    @property
    def authority(self) -> str:
        """The authority's own certificate in PEM, which everybody may have."""
        return self._authority.pem

    @property
    def fingerprint(self) -> str:
        """As a node's code carries it."""
        return self._authority.fingerprint

    def certify(self, work: Work, node: NodeId, key: PublicKey) -> Certified:
        """For the node's own key; kept with its serial number."""
        now = self._clock.now()
        leaf = self._authority.certify_node(node, key, now)
        store.keep_certificate(work.session, node, leaf, now)
        return Certified(certificate=leaf.pem, renew_after=renew_after(leaf, self._random.random()))

    def revoke(self, session: Session, node: NodeId) -> None:
        """Whatever the node has; the broker must be told after the commit."""
        store.revoke_all(session, node, self._clock.now())


class Renewals:
    """Further certificates for nodes that prove their key; `key` is the controller's own signing key."""

    def __init__(
        self, *, certificates: Certificates, key: SigningKey, clock: Clock, attempts: Attempts
    ) -> None:
        self._certificates = certificates
        self._key = key
        self._clock = clock
        self._attempts = attempts

    def challenge(self, node: NodeId) -> str:
        """What a node is to sign to prove its key; good for a minute, for anybody who asks."""
        return make_challenge(node, now=self._clock.now(), key=self._key)

    def renew(self, work: Work, node: NodeId, proof: str, *, source: str) -> Certified:
        """Another certificate for the key that it enrolled with; also after the last one was over.

        Raises `Unauthenticated` and `TooMany`.
        """
        subject = f"renew@{source}"
        self._attempts.check(subject)
        key_x = key_of(work.session, node)
        try:
            keys = [PublicKey.from_x(key_x)] if key_x else []
            own = KeyRing([self._key.public])
            check_proof(proof, node, now=self._clock.now(), keys=KeyRing(keys), own=own)
        except ProtocolError as error:
            self._attempts.failed(subject)
            raise Unauthenticated("node_not_known", f"{error}; or enrol anew", node=node) from error
        return self._certificates.certify(work, node, keys[0])


def revocation_list(authority: Authority, db: Database) -> str:
    """In PEM; raises Unavailable."""
    with db.look() as session:
        return authority.revoke(store.revoked_ones(session))
