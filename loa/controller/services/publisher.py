"""Makes programmes, urgent messages and configurations from the database and sends them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from loa.controller.core.programme import make_urgent
from loa.controller.errors import DiskFull, Unavailable
from loa.controller.ports import Clock, Courier, SilenceJournal
from loa.controller.services.airwaves import Airwaves
from loa.controller.services.chores import Chores, Work
from loa.controller.services.composer import Composer
from loa.controller.services.metrics import Metrics
from loa.controller.services.tasks import Task
from loa.controller.store import programmes
from loa.controller.store.database import Database
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.programme import Address
from loa.protocol.reports import Held
from loa.protocol.topics import Channel, Topic

_log = structlog.get_logger(__name__)

Expect = Callable[[frozenset[AreaId]], None]
"""Makes the lines of the log that the programmes of these areas promise."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
LULL_S = 5.0
CALM_S = 1.0
"""After an urgent message the publisher's own thread leaves the machine to it for so long."""


class Publisher:
    """`loa.controller.ports.Publisher`. Thread-safe.

    Urgent messages leave in the caller's thread, from one read of the database, whatever the number of
    nodes. All else is done by a thread of its own, which tries again while the database is down. `address` is
    told to every node; None leaves them where they are.
    """

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        key: SigningKey,
        courier: Courier,
        journal: SilenceJournal,
        metrics: Metrics,
        expect: Expect,
        address: Address | None = None,
        successions: tuple[str, ...] = (),
        lull_s: float = LULL_S,
        calm_s: float = CALM_S,
    ) -> None:
        self._db = db
        self._clock = clock
        self._courier = courier
        self._journal = journal
        self._metrics = metrics
        self._expect = expect
        self._air = Airwaves()
        self._composer = Composer(
            db=db,
            clock=clock,
            key=key,
            journal=journal,
            air=self._air,
            address=address,
            successions=successions,
        )
        self._chores = Chores(lull_s=lull_s, calm_s=calm_s)
        self._task = Task("publisher", self._run)
        self._behind: str | None = None

    def start(self) -> None:
        """Read what was sent last, as far as the database is there, and begin to work."""
        try:
            self._composer.recall()
        except Unavailable as error:
            _log.warning("publisher.starts_without_database", why=str(error))
        self._task.start()
        self.refresh()

    def stop(self) -> None:
        """Finish what is in hand; returns when the thread has ended."""
        self._chores.stop()
        self._task.join()

    @property
    def behind(self) -> str | None:
        """Why programmes wait to be sent, None if they don't."""
        return self._behind

    def connected(self) -> None:
        """Give to the courier as `on_connect`: everything retained is sent anew."""
        self._chores.add(Work(resend=True))

    def refresh(self) -> None:
        """Compose everything anew; what did not change keeps its version."""
        self._chores.add(Work(everything=True))

    def programme_changed(self, areas: frozenset[AreaId]) -> None:
        """Call after the commit that changed placements, withdrawals or order of these areas."""
        self._chores.add(Work(programmes=set(areas)))

    def config_changed(self, nodes: frozenset[AreaId]) -> None:
        """Call after the commit that changed areas, zones, policy or settings of these nodes."""
        self._chores.add(Work(configs=set(nodes)))

    def urgent_changed(self, areas: frozenset[AreaId]) -> None:
        """Call after the commit that changed emergencies, withdrawals or silences of now."""
        for area in sorted(areas):
            try:
                self._composer.look_at(area)
            except (Unavailable, DiskFull) as error:
                _log.error("urgent.from_memory", area=area, why=str(error))
            self._send_urgent(area)
        self._chores.add(Work(urgents=set(areas)))

    def emergency(self, areas: frozenset[AreaId], entry: Entry, over_at: datetime | None) -> None:
        """Call after the commit that placed an emergency in these areas: it leaves without another look.

        What else is urgent is taken from memory; the publisher's thread looks afterwards and mends it.
        """
        for area in sorted(areas):
            self._air.add_emergency(area, entry, over_at, self._clock.now())
            if entry.id in self._send_urgent(area):
                self._composer.look_at(area)
                self._send_urgent(area)
        self._chores.add(Work(urgents=set(areas)))

    def silenced(self, area: AreaId) -> None:
        """A silence of the area is in the journal: send it, without a look at the database."""
        self._send_urgent(area)
        self._chores.add(Work(urgents={area}, programmes={area}))

    def current(self, area: AreaId) -> Held:
        """The versions that the area was sent last."""
        return self._air.held(area)

    def heard(self, areas: dict[AreaId, Held]) -> None:
        """A node holds these versions of its areas: follow what is ahead of ours, send what it lacks."""
        now = self._clock.now()
        more = Work()
        for area, held in areas.items():
            ahead = self._air.outrun(area, held, now)
            if ahead.programme:
                more.programmes.add(area)
            if ahead.urgent:
                self._send_urgent(area)
                more.urgents.add(area)
            ours = self._air.held(area)
            if held.programme < ours.programme or held.urgent < ours.urgent:
                more.lacking.add(area)
        if more:
            self._chores.add(more)

    def heard_config(self, node: NodeId, version: int, ours: int) -> None:
        """A node holds this version of its configuration, we `ours`: lead again, or send it what it lacks."""
        if version > ours:
            self._composer.outrun_config(node, version)
            self._chores.add(Work(configs={AreaId(node)}))
        elif version < ours:
            self._chores.add(Work(configs_lacking={AreaId(node)}))

    def _send_urgent(self, area: AreaId) -> tuple[str, ...]:
        """Compose from memory and send; the ids of what found no room."""
        self._chores.calm()
        on_air = self._air.area(area)
        with on_air.sending:
            now = self._clock.now()
            contents = replace(on_air.known, silences=tuple(self._journal.of(area, now)))
            version = self._air.take_urgent_version(area, now)
            fitted = make_urgent(area, contents, version=version, issued_at=now)
            on_air.urgent = self._courier.send(Topic(Channel.URGENT, area), fitted.urgent)
        _log.info("urgent.sent", area=area, version=version, bytes=len(on_air.urgent))
        if fitted.left_out:
            self._metrics.left_out.inc(len(fitted.left_out))
            _log.warning("urgent.left_out", area=area, version=version, ids=fitted.left_out)
        return fitted.left_out

    # The publisher's thread.

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while (work := self._chores.take()) is not None:
            try:
                self._do(work)
            except (Unavailable, DiskFull) as error:
                self._behind = str(error)
                _log.error("publisher.waits", why=str(error), again_in_s=pause_s)
                if self._chores.stopped:
                    return
                self._chores.add(work)
                self._chores.pause(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                self._behind = None
                pause_s = FIRST_PAUSE_S

    def _do(self, work: Work) -> None:
        """In order of haste; raises Unavailable or DiskFull, then all of it is done again."""
        if work.everything:
            self._take_in_everything(work)
        self._store_urgents(work.urgents)
        if work.resend:
            self._resend_everything()
        changed = frozenset(area for area in sorted(work.programmes) if self._issue_programme(area))
        self._issue_configs(work.configs)
        for area in work.lacking - changed:
            self._resend(area)
        self._resend_configs(work.configs_lacking)
        if work.programmes:
            self._expect(frozenset(work.programmes))

    def _take_in_everything(self, work: Work) -> None:
        self._composer.recall()
        with self._db.look() as session:
            work.programmes |= programmes.placed_areas(session, self._clock.now())
        work.programmes |= {area for area, _ in self._air.all()}
        work.configs |= {AreaId(node) for node in self._composer.nodes()}
        for area in sorted(work.programmes):
            if self._composer.urgent_is_stale(area):
                self._send_urgent(area)
                work.urgents.add(area)

    def _store_urgents(self, areas: set[AreaId]) -> None:
        if not areas:
            return
        for area in sorted(areas):
            if self._composer.urgent_is_stale(area):
                self._send_urgent(area)
        with self._db.work() as work:
            for area in sorted(areas):
                on_air = self._air.area(area)
                if on_air.urgent is not None:
                    programmes.store_urgent(work.session, area, on_air.urgent_version, on_air.urgent)

    def _issue_programme(self, area: AreaId) -> bool:
        pointer = self._composer.programme(area)
        if pointer is not None:
            self._courier.send(Topic(Channel.PROGRAMME, area), pointer)
            _log.info("programme.issued", area=area, version=pointer.version, bytes=pointer.size_bytes)
        return pointer is not None

    def _issue_configs(self, nodes: set[AreaId]) -> None:
        if not nodes:
            return
        asked = {NodeId(node) for node in nodes}
        for node in asked - self._composer.nodes():
            self._courier.resend(Topic(Channel.CONFIG, node), _NOTHING)
        issued = self._composer.configs(asked)
        for pointer in issued:
            self._courier.send(Topic(Channel.CONFIG, pointer.node), pointer)
            _log.info("config.issued", node=pointer.node, version=pointer.version)

    def _resend_everything(self) -> None:
        for area, on_air in self._air.all():
            if on_air.urgent is not None:
                self._courier.resend(Topic(Channel.URGENT, area), on_air.urgent)
        with self._db.look() as session:
            of_areas = programmes.pointers(session)
            of_nodes = programmes.config_pointers(session)
        for pointer in of_areas:
            self._courier.send(Topic(Channel.PROGRAMME, pointer.area), pointer)
        for config in of_nodes:
            self._courier.send(Topic(Channel.CONFIG, config.node), config)
        _log.info("publisher.sent_everything", areas=len(of_areas), nodes=len(of_nodes))

    def _resend_configs(self, nodes: set[AreaId]) -> None:
        if not nodes:
            return
        with self._db.look() as session:
            found = programmes.config_pointers(session, {NodeId(node) for node in nodes})
        for pointer in found:
            self._courier.send(Topic(Channel.CONFIG, pointer.node), pointer)

    def _resend(self, area: AreaId) -> None:
        on_air = self._air.area(area)
        if on_air.urgent is not None:
            self._courier.resend(Topic(Channel.URGENT, area), on_air.urgent)
        with self._db.look() as session:
            pointer = programmes.pointer_of(session, area)
        if pointer is not None:
            self._courier.send(Topic(Channel.PROGRAMME, area), pointer)
        _log.info("area.sent_again", area=area)


_NOTHING = b""
"""Takes a retained message from the broker."""
