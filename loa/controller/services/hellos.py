"""Answers nodes that say hello: the controller's time for their clock, and the versions that are current."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from loa.controller.ports import Clock, Courier
from loa.controller.services.identities import IdentityWatch
from loa.controller.services.metrics import Metrics
from loa.controller.store.configs import config_versions
from loa.controller.store.database import Database
from loa.controller.store.tree import Tree, read_tree
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.reports import Answer, Held, Hello
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Greeting:
    """A hello, and when it came by the machine's steady clock."""

    hello: Hello
    came_s: float


class Versions(Protocol):
    """What is current, and who has heard of more or less (`loa.controller.services.publisher.Publisher`)."""

    def current(self, area: AreaId) -> Held:
        """The versions that the area was sent last."""
        ...

    def heard(self, areas: dict[AreaId, Held]) -> None:
        """A node holds these versions of its areas."""
        ...

    def heard_config(self, node: NodeId, version: int, ours: int) -> None:
        """A node holds this version of its configuration, we `ours`."""
        ...


class Hellos:
    """For the ingest thread."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        courier: Courier,
        publisher: Versions,
        metrics: Metrics,
        identities: IdentityWatch,
    ) -> None:
        self._db = db
        self._clock = clock
        self._courier = courier
        self._publisher = publisher
        self._metrics = metrics
        self._identities = identities

    def answer(self, greetings: Sequence[Greeting]) -> None:
        """Answer each of them, and have sent again what they lack; raises Unavailable."""
        if not greetings:
            return
        hellos = [one.hello for one in greetings]
        with self._db.look() as session:
            configs = config_versions(session, {hello.node for hello in hellos})
            tree = read_tree(session)
        for one in greetings:
            self._answer(tree, one, configs.get(one.hello.node, 0))
        self._identities.note(hellos)

    def _answer(self, tree: Tree, greeting: Greeting, config: int) -> None:
        hello = greeting.hello
        areas = _areas_of(tree, hello.node)
        self._publisher.heard({area: hello.held.get(area, Held()) for area in areas})
        self._publisher.heard_config(hello.node, hello.config, config)
        current = {area: self._publisher.current(area) for area in areas}
        # The node takes half of what both ways took for the way back: the time is read last.
        waited_ms = DurationMs(int((time.monotonic() - greeting.came_s) * 1000))
        answer = Answer(
            node=hello.node,
            nonce=hello.nonce,
            at=self._clock.now(),
            waited_ms=waited_ms,
            config=config,
            current=current,
        )
        self._courier.send(Topic(Channel.ANSWER, hello.node), answer)
        self._metrics.hellos.inc()
        _log.info("hello.answered", node=hello.node, boot=hello.boot_id, clock=hello.clock, agent=hello.agent)


def _areas_of(tree: Tree, node: NodeId) -> list[AreaId]:
    return tree.areas_of(node) if AreaId(node) in tree else []
