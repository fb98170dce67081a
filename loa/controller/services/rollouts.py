"""Rollouts: a release goes to one node, then to more, and stops by itself where too many fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from loa.controller.core.access import Act, Person, granted, may
from loa.controller.core.rollouts import (
    Course,
    Decision,
    Done,
    Halt,
    News,
    NextStage,
    Standing,
    Status,
    Wait,
    automatic_stages,
    decide,
    stages_by_area,
)
from loa.controller.errors import Conflict, Invalid, NotFound
from loa.controller.ports import Clock, EventKind, Events, Publisher
from loa.controller.services.audit import Audit
from loa.controller.services.rights import permit
from loa.controller.store import rollouts as store
from loa.controller.store.areas import path_of
from loa.controller.store.database import Database, Session, Work
from loa.controller.store.rollouts import NodeUpdate
from loa.controller.store.tables import RolloutNodeRow, RolloutRow
from loa.controller.store.tree import Tree, read_tree
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.units import to_whole_ms

ITSELF = "rollouts"
"""Who acts in the audit when a rollout goes on or stops by itself."""
MOST_REASONS = 20

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be rolled out, where and how carefully."""

    release: str
    area: AreaId
    stages: Sequence[Sequence[AreaId]] = ()
    """Areas, stage by stage; empty: one node, 1 %, 10 % and all."""
    observe: timedelta
    stop_at_pct: int
    spread: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A rollout as it stands."""

    id: int
    release: str
    version: str
    area: AreaId
    status: Status
    reason: str
    stage: int
    stages: int
    stage_began_at: datetime
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    observe_s: int
    stop_at_pct: int
    counts: dict[tuple[int, Standing], int]
    reasons: list[tuple[Standing, str, int]]


class Rollouts:
    """One at a time in an area; `advance` is a job."""

    def __init__(
        self, *, db: Database, clock: Clock, audit: Audit, publisher: Publisher, events: Events
    ) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit
        self._publisher = publisher
        self._events = events

    def start(self, work: Work, who: Person, order: Order) -> Rollout:
        """Begin with the first stage; raises `NotFound`, `Forbidden`, `Conflict`, `Invalid`."""
        session = work.session
        permit(session, who, Act.UPDATE_NODES, order.area, sees=Act.READ_AREA)
        release = store.release_row(session, order.release)
        tree = read_tree(session)
        stages = _stages(tree, order, store.connected(session))
        self._check_free(session, {node for stage in stages for node in stage})
        now = to_whole_ms(self._clock.now())
        row = RolloutRow(
            release_sha256=release.sha256,
            area_id=order.area,
            status=Status.RUNNING,
            reason="",
            stage=0,
            stages=len(stages),
            stage_began_at=now,
            observe_s=int(order.observe.total_seconds()),
            stop_at_pct=order.stop_at_pct,
            spread_s=int(order.spread.total_seconds()),
            created_by=who.user_id,
            created_at=now,
        )
        number = store.add_rollout(session, row, stages)
        self._audit.note(
            work,
            who.user_id,
            "rollout.started",
            area=order.area,
            subject=str(number),
            version=release.version,
            nodes=[len(stage) for stage in stages],
        )
        self._tell(work, order.area, stages[0])
        return _rollout(session, row)

    def halt(self, work: Work, who: Person, rollout: int) -> Rollout:
        """Stop it by hand; idempotent."""
        row = self._row(work.session, who, rollout)
        if row.status == Status.RUNNING:
            self._halt(work, who.user_id, row, f"halted by {who.user_id}")
        return _rollout(work.session, row)

    def get(self, session: Session, who: Person, rollout: int) -> Rollout:
        """Raises `NotFound`."""
        return _rollout(session, self._row(session, who, rollout))

    def find(self, session: Session, who: Person) -> list[Rollout]:
        """Those in the areas of the person, the newest first."""
        areas = granted(who, Act.UPDATE_NODES)
        found = [row for row in store.rollouts(session) if areas & set(path_of(session, row.area_id))]
        return [_rollout(session, row) for row in found]

    def lines(
        self,
        session: Session,
        who: Person,
        rollout: int,
        *,
        standing: Standing | None,
        after: str,
        limit: int,
    ) -> list[RolloutNodeRow]:
        """Node by node, by id."""
        self._row(session, who, rollout)
        return store.lines(session, rollout, standing=standing, after=after, limit=limit)

    def of_node(self, session: Session, who: Person, node: NodeId) -> NodeUpdate | None:
        """The last rollout that the node is in, and how far it is there; raises `NotFound`."""
        if not may(who, Act.READ_AREA, path_of(session, node)):
            raise NotFound("no_such_node", f"there is no node {node!r}", node=node)
        return store.last_of(session, node)

    def advance(self) -> None:
        """Look at what runs, and let it go on, end or stop; each in a transaction of its own."""
        with self._db.look() as session:
            running = [row.id for row in store.rollouts(session, Status.RUNNING) if row.id is not None]
        for rollout in running:
            with self._db.work() as work:
                self._advance(work, store.rollout_row(work.session, rollout))

    def _advance(self, work: Work, row: RolloutRow) -> None:
        now = to_whole_ms(self._clock.now())
        self._note_those_that_run_it(work.session, row, now)
        members = store.members(work.session, row.id or 0)
        decision: Decision = decide(_course(row), members, now)
        match decision:
            case Halt():
                self._halt(work, ITSELF, row, decision.why)
            case Done():
                row.status, row.ended_at = Status.DONE, now
                self._note(work, ITSELF, row, "rollout.done")
            case NextStage():
                row.stage, row.stage_began_at = row.stage + 1, now
                self._note(work, ITSELF, row, "rollout.next_stage", stage=row.stage)
                new = [one.node for one in members if one.stage == row.stage]
                self._tell(work, AreaId(row.area_id), new)
            case Wait():
                pass

    def _note_those_that_run_it(self, session: Session, row: RolloutRow, now: datetime) -> None:
        """As a node that was installed anew: it has nothing to report."""
        rollout, version = row.id or 0, store.release_row(session, row.release_sha256).version
        running = store.waiting_versions(session, rollout, row.stage)
        store.note(
            session,
            (
                News(node, row.release_sha256, rollout, Standing.KEPT, "", runs)
                for node, runs in running.items()
                if runs == version
            ),
            now,
        )

    def _halt(self, work: Work, by: str, row: RolloutRow, why: str) -> None:
        row.status, row.reason, row.ended_at = Status.HALTED, why, to_whole_ms(self._clock.now())
        self._note(work, by, row, "rollout.halted", why=why)
        told = [one.node for one in store.members(work.session, row.id or 0) if one.stage <= row.stage]
        self._tell(work, AreaId(row.area_id), told)
        _log.warning("rollout.halted", rollout=row.id, why=why)

    def _note(self, work: Work, by: str, row: RolloutRow, act: str, **detail: object) -> None:
        self._audit.note(work, by, act, area=row.area_id, subject=str(row.id), **detail)

    def _tell(self, work: Work, area: AreaId, nodes: Sequence[NodeId]) -> None:
        """Their configurations are made anew once this is on the disk."""
        work.session.flush()
        changed = frozenset(AreaId(node) for node in nodes)
        work.after_commit(lambda: self._publisher.config_changed(changed))
        work.after_commit(lambda: self._events.announce(EventKind.NODE, area, area))

    def _row(self, session: Session, who: Person, rollout: int) -> RolloutRow:
        row = store.rollout_row(session, rollout)
        if not may(who, Act.UPDATE_NODES, path_of(session, row.area_id)):
            raise NotFound("no_such_rollout", f"there is no rollout {rollout}", rollout=rollout)
        return row

    def _check_free(self, session: Session, nodes: set[NodeId]) -> None:
        for row in store.rollouts(session, Status.RUNNING):
            taken = nodes & {one.node for one in store.members(session, row.id or 0)}
            if taken:
                raise Conflict(
                    "rollout_running",
                    f"rollout {row.id} runs on {len(taken)} of these nodes; wait for it or halt it first",
                    rollout=row.id,
                )


def _stages(tree: Tree, order: Order, connected: frozenset[NodeId]) -> list[list[NodeId]]:
    here = set(tree.nodes_of(order.area))
    if order.stages:
        for area in (area for stage in order.stages for area in stage):
            if area not in tree or not set(tree.nodes_of(area)) <= here:
                raise Invalid("not_within", f"{area} is not an area within {order.area}", area=area)
        by_area = [[node for area in stage for node in tree.nodes_of(area)] for stage in order.stages]
        stages = stages_by_area(by_area)
    else:
        stages = automatic_stages({node: tree.path(AreaId(node))[-2].id for node in here}, here & connected)
    if not stages:
        raise Invalid("no_nodes", f"there are no nodes in {order.area}", area=order.area)
    return stages


def _course(row: RolloutRow) -> Course:
    return Course(
        stage=row.stage,
        stages=row.stages,
        began_at=row.stage_began_at,
        observe=timedelta(seconds=row.observe_s),
        stop_at_pct=row.stop_at_pct,
    )


def _rollout(session: Session, row: RolloutRow) -> Rollout:
    number = row.id or 0
    return Rollout(
        id=number,
        release=row.release_sha256,
        version=store.release_row(session, row.release_sha256).version,
        area=AreaId(row.area_id),
        status=Status(row.status),
        reason=row.reason,
        stage=row.stage,
        stages=row.stages,
        stage_began_at=row.stage_began_at,
        created_by=row.created_by,
        created_at=row.created_at,
        ended_at=row.ended_at,
        observe_s=row.observe_s,
        stop_at_pct=row.stop_at_pct,
        counts=store.tally(session, number),
        reasons=store.reasons(session, number, MOST_REASONS),
    )
