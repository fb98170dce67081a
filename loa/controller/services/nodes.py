"""Nodes: adding, enrolling, retiring."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.health import Point
from loa.controller.core.nodes import Node
from loa.controller.core.people import User
from loa.controller.core.tree import AreaKind
from loa.controller.errors import Conflict, Invalid, Unauthenticated
from loa.controller.ports import Access, Clock, EventKind, Events, Publisher
from loa.controller.services.areas import Areas, NewArea, tell_nodes
from loa.controller.services.attempts import Attempts
from loa.controller.services.audit import Audit
from loa.controller.services.certificates import Certificates, Certified
from loa.controller.services.rights import permit
from loa.controller.store import areas, nodes, people
from loa.controller.store.configs import config_versions, settings_in
from loa.controller.store.database import Session, Work
from loa.controller.store.health import points_of
from loa.controller.store.identities import read_identities
from loa.controller.store.programmes import pointer_of
from loa.controller.store.tables import NodeRow
from loa.controller.store.tree import read_tree
from loa.protocol.bearer import check_token
from loa.protocol.codes import LETTERS, SECRET_LENGTH, NodeCode, normal
from loa.protocol.errors import MalformedError, ProtocolError
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import KeyRing, PublicKey
from loa.protocol.policy import WallTime
from loa.protocol.programme import NodeSettings
from loa.protocol.reports import State
from loa.protocol.units import to_whole_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A one-time code with which a node enrols; shown this once."""

    node: NodeId
    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What a node has become."""

    node: NodeId
    certified: Certified


class Nodes:
    """The loudspeakers. Who manages nodes in an area manages those below it."""

    def __init__(
        self,
        *,
        clock: Clock,
        audit: Audit,
        areas: Areas,
        publisher: Publisher,
        access: Access,
        events: Events,
        attempts: Attempts,
        certificates: Certificates,
        code_lasting: timedelta,
    ) -> None:
        self._clock = clock
        self._audit = audit
        self._areas = areas
        self._publisher = publisher
        self._access = access
        self._events = events
        self._attempts = attempts
        self._certificates = certificates
        self._code_lasting = code_lasting

    def add(self, work: Work, who: Person, *, name: str, parent: AreaId, node: str | None = None) -> Code:
        """A new node below an area, and the code with which it enrols."""
        permit(work.session, who, Act.MANAGE_NODES, parent, sees=Act.READ_AREA)
        return self.insert(work, who.user_id, name=name, parent=parent, node=node)

    def insert(self, work: Work, by: str, *, name: str, parent: AreaId, node: str | None = None) -> Code:
        """As `add` without asking for rights."""
        new = NewArea(id=node, name=name, kind=AreaKind.NODE, parent_id=parent)
        made = self._areas.insert(work, by, new)
        nodes.add_node(work.session, made.id)
        tell_nodes(work, [NodeId(made.id)], access=self._access, publisher=self._publisher)
        return self._new_code(work, made.id)

    def new_code(self, work: Work, who: Person, node: NodeId) -> Code:
        """Another code, as for a new disk; the one before ends, the node works on until it enrols anew."""
        self._in_service(work, who, node)
        self._audit.note(work, who.user_id, "node.code", area=node, subject=node)
        return self._new_code(work, node)

    def enrol(self, work: Work, code: str, key_x: str, *, source: str) -> Enrolled:
        """Exchange a code for an identity; the same code with the same key works until it expires.

        Raises `Invalid` (code, key) and `TooMany`. After the commit the broker knows the node.
        """
        self._attempts.check(f"enrol@{source}")
        key = _public_key(key_x)
        now = self._clock.now()
        row = nodes.by_code(work.session, _code_hash(code))
        fresh = row is not None and row.code_expires_at is not None and now < row.code_expires_at
        if row is None or not fresh or row.code_key_x not in {None, key.x}:
            self._attempts.failed(f"enrol@{source}")
            raise Invalid("bad_code", "the code is not right, was used, or is over; ask for a new one")
        node = NodeId(row.id)
        if row.key_x not in {None, key.x}:
            self._shut_out(work, node)
        row.key_x = row.code_key_x = key.x
        row.enrolled_at = now
        certified = self._certificates.certify(work, node, key)
        self._audit.note(work, node, "node.enrolled", area=node, subject=node, kid=key.kid, source=source)
        tell_nodes(work, [node], access=self._access, publisher=self._publisher)
        work.after_commit(lambda: self._events.announce(EventKind.NODE, AreaId(node), node))
        return Enrolled(node=node, certified=certified)

    def rename(self, work: Work, who: Person, node: NodeId, name: str) -> Node:
        """Another name for people; the id stays."""
        permit(work.session, who, Act.MANAGE_NODES, AreaId(node), sees=Act.READ_AREA)
        nodes.node_row(work.session, node)
        areas.row_of(work.session, node).name = name
        self._audit.note(work, who.user_id, "node.changed", area=node, subject=node, name=name)
        return nodes.node_of(work.session, node)

    def change_settings(self, work: Work, who: Person, node: NodeId, changed: dict[str, object]) -> Node:
        """Give these of its settings other values; the node gets them with its next configuration."""
        permit(work.session, who, Act.MANAGE_NODES, AreaId(node), sees=Act.READ_AREA)
        row = nodes.node_row(work.session, node)
        settings = NodeSettings.model_validate({**settings_in(row.settings).model_dump(), **changed})
        row.settings = settings.to_bytes().decode()
        self._audit.note(work, who.user_id, "node.changed", area=node, subject=node, **changed)
        work.session.flush()
        work.after_commit(lambda: self._publisher.config_changed(frozenset({AreaId(node)})))
        return nodes.node_of(work.session, node)

    def schedule_self_test(self, work: Work, who: Person, node: NodeId, at: WallTime | None) -> Node:
        """The local time of its daily self-test; None for none."""
        row = self._in_service(work, who, node)
        row.self_test_at = at
        self._audit.note(work, who.user_id, "node.changed", area=node, subject=node, self_test_at=at)
        return self._tell_settings(work, node)

    def ask_self_test(self, work: Work, who: Person, node: NodeId) -> Node:
        """Have it test itself as soon as nothing else sounds there; void if it cannot within 10 minutes."""
        row = self._in_service(work, who, node)
        row.self_test_asked_at = to_whole_ms(self._clock.now())
        self._audit.note(work, who.user_id, "node.self_test", area=node, subject=node)
        return self._tell_settings(work, node)

    def move(self, work: Work, who: Person, node: NodeId, parent: AreaId) -> Node:
        """Put it below another area; see `Areas.move`."""
        nodes.node_row(work.session, node)
        self._areas.move(work, who, AreaId(node), parent)
        return nodes.node_of(work.session, node)

    def retire(self, work: Work, who: Person, node: NodeId) -> Node:
        """Take it out of service for good: the broker and the API no longer know it. Idempotent."""
        permit(work.session, who, Act.MANAGE_NODES, AreaId(node), sees=Act.READ_AREA)
        row = nodes.node_row(work.session, node)
        if row.retired_at is None:
            now = self._clock.now()
            row.retired_at = areas.row_of(work.session, node).closed_at = now
            row.key_x = row.code_hash = row.code_key_x = row.code_expires_at = None
            for zone in nodes.zones_of(work.session, [node]).get(node, ()):
                nodes.leave_zone(work.session, zone, node)
            self._audit.note(work, who.user_id, "node.retired", area=node, subject=node)
            self._shut_out(work, node)
        work.session.flush()
        return nodes.node_of(work.session, node)

    def release(self, work: Work, who: Person, node: NodeId) -> Node:
        """Let a node whose STOP button was pressed sound again; it does so once it has its configuration.

        Releases the press that the node told of last, and no later one. Idempotent. Raises `Conflict`.
        """
        permit(work.session, who, Act.RELEASE, AreaId(node), sees=Act.READ_AREA)
        row = nodes.node_row(work.session, node)
        stopped = State.from_bytes(row.state).stopped if row.state else None
        if stopped is None:
            detail = f"{node} does not say that its STOP button was pressed; look again when it is online"
            raise Conflict("not_stopped", detail, node=node)
        if row.released != stopped.id:
            row.released = stopped.id
            self._audit.note(
                work, who.user_id, "node.released", area=node, subject=node, pressed_at=stopped.at
            )
            tell_nodes(work, [node], access=self._access, publisher=self._publisher)
            work.session.flush()
        return nodes.node_of(work.session, node)

    def keep_identity(self, work: Work, who: Person, node: NodeId) -> Node:
        """Take the machine and card that speak under its name now for the right ones. Idempotent."""
        row = self._in_service(work, who, node)
        known = read_identities(row.identities)
        if known.verdict is not None:
            kept = known.model_copy(update={"verdict": None, "verdict_at": None})
            row.identities = kept.to_bytes().decode()
            self._audit.note(
                work, who.user_id, "node.identity_kept", area=node, subject=node, verdict=known.verdict
            )
            work.session.flush()
        return nodes.node_of(work.session, node)

    def refuse_identity(self, work: Work, who: Person, node: NodeId) -> Code:
        """Believe nothing any more of what speaks under its name, and have the right machine enrol anew.

        Copies of a card are alike, so all of them are cut off; what they hold goes on sounding there.
        """
        row = self._in_service(work, who, node)
        verdict = read_identities(row.identities).verdict
        row.key_x = row.identities = None
        self._audit.note(work, who.user_id, "node.identity_refused", area=node, subject=node, verdict=verdict)
        self._shut_out(work, node)
        return self._new_code(work, node)

    def lacks(self, session: Session, who: Person, node: NodeId) -> bool | None:
        """Whether it has yet to take in what was published for it; None if it never said what it has."""
        kept = self.get(session, who, node)
        if kept.state is None or kept.retired_at is not None:
            return None
        state, tree = State.from_bytes(kept.state), read_tree(session)
        if state.config < config_versions(session, {node}).get(node, 0):
            return True
        held = {area: one.programme for area, one in state.held.items()}
        wanted = (pointer_of(session, area) for area in tree.areas_of(node))
        return any(one is not None and held.get(one.area, 0) < one.version for one in wanted)

    def keepers(self, session: Session, who: Person, node: NodeId) -> list[User]:
        """Who sees to it when something is wrong, the nearest first."""
        self.get(session, who, node)
        return people.technicians_of(session, areas.path_of(session, AreaId(node)))

    def get(self, session: Session, who: Person, node: NodeId) -> Node:
        """Raises `NotFound` also where the person has no right to know of it."""
        nodes.node_row(session, node)
        permit(session, who, Act.READ_AREA, AreaId(node))
        return nodes.node_of(session, node)

    def find(
        self,
        session: Session,
        who: Person,
        *,
        area: AreaId | None,
        presence: str | None,
        concerned: bool | None = None,
        after: str,
        limit: int,
    ) -> list[Node]:
        """The nodes in service that the person sees, in an area and below if one is given, by id."""
        if area is not None:
            permit(session, who, Act.READ_AREA, area)
        wanted = granted(who, Act.READ_AREA) if area is None else [area]
        return nodes.find_nodes(
            session, areas=wanted, presence=presence, concerned=concerned, after=after, limit=limit
        )

    def health(
        self, session: Session, who: Person, node: NodeId, *, since: datetime, until: datetime, limit: int
    ) -> list[Point]:
        """How its machine was, an hour a point."""
        self.get(session, who, node)
        return points_of(session, node, since, until, limit)

    def authenticate(self, session: Session, node: str, token: str) -> NodeId:
        """Return if the node's own key made the bearer token; raises `Unauthenticated`."""
        key_x = nodes.key_of(session, node)
        try:
            keys = KeyRing([PublicKey.from_x(key_x)] if key_x else [])
            check_token(token, NodeId(node), now=self._clock.now(), keys=keys)
        except ProtocolError as error:
            raise Unauthenticated("node_not_known", f"{error}; or enrol anew", node=node) from error
        return NodeId(node)

    def _in_service(self, work: Work, who: Person, node: NodeId) -> NodeRow:
        """The row of a node that the person keeps and that is not retired."""
        permit(work.session, who, Act.MANAGE_NODES, AreaId(node), sees=Act.READ_AREA)
        row = nodes.node_row(work.session, node)
        if row.retired_at is not None:
            raise Conflict("node_retired", f"{node} is retired; add a new node", node=node)
        return row

    def _shut_out(self, work: Work, node: NodeId) -> None:
        """No certificate that it has is good any more, and its open connection ends after the commit."""
        self._certificates.revoke(work.session, node)
        work.after_commit(lambda: self._access.cut(node))

    def _tell_settings(self, work: Work, node: NodeId) -> Node:
        work.session.flush()
        tell_nodes(work, [node], access=self._access, publisher=self._publisher)
        return nodes.node_of(work.session, node)

    def _new_code(self, work: Work, node: str) -> Code:
        secret = "".join(secrets.choice(LETTERS) for _ in range(SECRET_LENGTH))
        row = nodes.node_row(work.session, node)
        row.code_hash, row.code_key_x = _code_hash(secret), None
        row.code_expires_at = self._clock.now() + self._code_lasting
        code = NodeCode(secret, self._certificates.fingerprint).spaced()
        return Code(node=NodeId(node), code=code, expires_at=row.code_expires_at)


def _public_key(key_x: str) -> PublicKey:
    try:
        return PublicKey.from_x(key_x)
    except MalformedError as error:
        raise Invalid("bad_key", f"{error}; send the raw key in base64url") from error


def _code_hash(code: str) -> str:
    """Of the secret that a code begins with: enough, since that is 60 random bits and short-lived."""
    return hashlib.sha256(normal(code)[:SECRET_LENGTH].encode()).hexdigest()
