"""Programmes and configurations from the database, each with a new version only if its contents are new."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from loa.controller.core.programme import Contents, make_programme, make_urgent, same_contents
from loa.controller.core.tree import Tree
from loa.controller.core.versions import is_credible, next_version
from loa.controller.ports import Clock, SilenceJournal
from loa.controller.services.airwaves import Airwaves
from loa.controller.store import programmes
from loa.controller.store.configs import Kept, kept_configs, store_config
from loa.controller.store.database import Database, Session
from loa.controller.store.papers import binder
from loa.controller.store.rollouts import pointers
from loa.controller.store.standing_messages import standing_sources
from loa.controller.store.tree import read_tree
from loa.protocol.broadcast import RecordingSource
from loa.protocol.charter import Papers
from loa.protocol.codec import decode, pack, unpack_config, unpack_programme
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import AreaId, NodeId, sha256_hex
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.kinds import StandingMessage
from loa.protocol.programme import (
    Address,
    Config,
    ConfigPointer,
    Programme,
    ProgrammePointer,
    ReleasePointer,
    Urgent,
)
from loa.protocol.reports import Held
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import SizeBytes, from_ms
from loa.schedules.policy import default_policy

NODES_AT_ONCE = 200
"""Configurations in one transaction: others want to write, too."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What a configuration holds beside what the tree says."""

    standing: dict[StandingMessage, RecordingSource]
    release: ReleasePointer | None
    papers: Papers | None


class Composer:
    """Works for the publisher; raises Unavailable or DiskFull with the database."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        key: SigningKey,
        journal: SilenceJournal,
        air: Airwaves,
        address: Address | None = None,
        successions: tuple[str, ...] = (),
    ) -> None:
        self._db = db
        self._clock = clock
        self._key = key
        self._keys = KeyRing([key.public])
        self._journal = journal
        self._air = air
        self._address = address
        self._successions = successions
        self._config_floor: dict[NodeId, int] = {}

    def recall(self) -> None:
        """Take versions and payloads that were sent before from the database."""
        with self._db.look() as session:
            sent = programmes.sent_to_areas(session)
        for one in sent:
            self._air.remember(one.area, Held(programme=one.version, urgent=one.urgent_version))
            on_air = self._air.area(one.area)
            on_air.issued_version = one.version
            if on_air.urgent is None and one.urgent is not None:
                on_air.urgent = one.urgent

    def nodes(self) -> frozenset[NodeId]:
        """All nodes in service."""
        with self._db.look() as session:
            return read_tree(session).nodes()

    def look_at(self, area: AreaId) -> None:
        """Learn what the next urgent message of the area is to be chosen from."""
        number = self._air.begin_look(area)
        with self._db.look() as session:
            known = programmes.urgent_contents_of(session, area, (), self._clock.now())
        self._air.end_look(area, number, known)

    def urgent_is_stale(self, area: AreaId) -> bool:
        """Whether the area ought to have another urgent message than the last one; looks at the database."""
        self.look_at(area)
        on_air = self._air.area(area)
        now = self._clock.now()
        contents = replace(on_air.known, silences=tuple(self._journal.of(area, now)))
        wanted = make_urgent(area, contents, version=on_air.urgent_version, issued_at=now).urgent
        last = self._last_urgent(area, on_air.urgent)
        return not same_contents(wanted, last or Urgent(area=area, version=0, issued_at=now))

    def programme(self, area: AreaId) -> ProgrammePointer | None:
        """Compose and store; None if its contents are those of the last one."""
        now = self._clock.now()
        on_air = self._air.area(area)
        with self._db.work() as work:
            contents = self._contents(work.session, area, now)
            digest = _digest(area, contents)
            if self._is_issued(work.session, area, digest):
                return None
            version = self._air.take_programme_version(area, now)
            programme = make_programme(area, contents, version=version, issued_at=now)
            packed = pack(programme, self._key)
            pointer = _programme_pointer(programme, packed)
            programmes.store_programme(work.session, pointer, packed)
        on_air.digest, on_air.issued_version = digest, version
        return pointer

    def configs(self, nodes: set[NodeId]) -> list[ConfigPointer]:
        """Compose and store those whose contents are new."""
        with self._db.look() as session:
            tree, standing = read_tree(session), standing_sources(session)
            papers = binder(session, self._successions)
        issued: list[ConfigPointer] = []
        for some in _chunks(sorted(nodes & tree.nodes()), NODES_AT_ONCE):
            with self._db.work() as work:
                kept = kept_configs(work.session, set(some))
                releases = pointers(work.session, some)
                gifts = (
                    (
                        one,
                        _Given(
                            standing, releases.get(one.node), papers.of(one.node, tree.areas_of(one.node))
                        ),
                    )
                    for one in kept
                )
                made = [self._config(tree, one, given) for one, given in gifts]
                new = [one for one in made if one is not None]
                for pointer, packed in new:
                    store_config(work.session, pointer, packed)
            issued += [pointer for pointer, _ in new]
        return issued

    def outrun_config(self, node: NodeId, version: int) -> None:
        """The node holds this version, higher than ours: the next one must be higher still."""
        if is_credible(version, self._clock.now()):
            self._config_floor[node] = version

    def _contents(self, session: Session, area: AreaId, now: datetime) -> Contents:
        return programmes.contents_of(session, area, tuple(self._journal.of(area, now)), now)

    def _is_issued(self, session: Session, area: AreaId, digest: str) -> bool:
        on_air = self._air.area(area)
        if on_air.issued_version != on_air.programme_version:
            return False
        on_air.digest = on_air.digest or self._stored_digest(session, area)
        return on_air.digest == digest

    def _stored_digest(self, session: Session, area: AreaId) -> str | None:
        body = programmes.body_of(session, area)
        if body is None:
            return _digest(area, Contents())  # an area that never had a programme needs no empty one
        try:
            stored = unpack_programme(body, area, self._keys)
        except ProtocolError:
            return None
        return _digest_of(stored)

    def _last_urgent(self, area: AreaId, payload: bytes | None) -> Urgent | None:
        if payload is None:
            return None
        try:
            message = decode(Topic(Channel.URGENT, area), payload, self._keys)
        except ProtocolError:
            return None
        return message if isinstance(message, Urgent) else None

    def _config(self, tree: Tree, kept: Kept, given: _Given) -> tuple[ConfigPointer, bytes] | None:
        now = self._clock.now()
        floor = self._config_floor.get(kept.node, 0)
        version = next_version(last=kept.version, now=now, heard=floor)
        config = Config(
            node=kept.node,
            version=version,
            issued_at=now,
            areas=tuple(tree.areas_of(kept.node)),
            tz=tree.tz_of(AreaId(kept.node)),
            policy=tree.policy_of(AreaId(kept.node)) or default_policy(),
            standing=given.standing,
            settings=kept.settings,
            release=given.release,
            papers=given.papers,
            address=self._address,
        )
        if floor <= kept.version and self._is_same(config, kept):
            return None
        packed = pack(config, self._key)
        pointer = ConfigPointer(
            node=config.node,
            version=version,
            sha256=sha256_hex(packed),
            size_bytes=SizeBytes(len(packed)),
            issued_at=now,
        )
        return pointer, packed

    def _is_same(self, config: Config, kept: Kept) -> bool:
        if kept.body is None:
            return False
        try:
            stored = unpack_config(kept.body, kept.node, self._keys)
        except ProtocolError:
            return False
        return stored.model_copy(update={"version": config.version, "issued_at": config.issued_at}) == config


def _programme_pointer(programme: Programme, packed: bytes) -> ProgrammePointer:
    return ProgrammePointer(
        area=programme.area,
        version=programme.version,
        sha256=sha256_hex(packed),
        size_bytes=SizeBytes(len(packed)),
        issued_at=programme.issued_at,
    )


def _digest(area: AreaId, contents: Contents) -> str:
    return _digest_of(make_programme(area, contents, version=0, issued_at=from_ms(0)))


def _digest_of(programme: Programme) -> str:
    bare = programme.model_copy(update={"version": 0, "issued_at": from_ms(0)})
    return sha256_hex(bare.to_bytes())


def _chunks(nodes: list[NodeId], size: int) -> Iterator[list[NodeId]]:
    rest = iter(nodes)
    while some := list(islice(rest, size)):
        yield some
