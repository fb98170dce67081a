"""What an attack is, where it is made, and how it is looked up afterwards what was shown of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loa.protocol.broadcast import Broadcast
from loa.protocol.ids import sha256_hex
from tests.attacks.forge import Forger
from tests.attacks.hands import Broker, Card
from tests.attacks.sounds import Sample
from tests.attacks.town import Town
from tests.flow.office import OPEN, Json
from tests.flow.times import now, seconds
from tests.waiting import wait_for

SHOWN_WITHIN_S = 30.0
SOUNDS_WITHIN = seconds(2.5)
"""What is attacked now would have been heard by then: a second's lead, the sound, and a busy machine."""

Shown = Callable[[], str]
"""Waits until it is shown what was tried, and says where and how; AssertionError if it is not."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One check taken out of the code: `old`, which stands in the file once, becomes `new`."""

    file: str
    old: str
    new: str


@dataclass
class Stage:
    """The town under attack, and the attacker's hands."""

    town: Town
    samples: dict[str, Sample]
    broker: Broker
    master: Card
    """Of somebody who reads and writes at the broker as the controller does."""
    forger: Forger
    recorded: bytes
    """A genuine urgent message as it was overheard."""
    since: datetime = field(default_factory=now)

    def enter(self) -> None:
        """Get at the broker, again if the controller has written its files anew since."""
        self.master = self.town.controller_card("intruder")

    def overwrite(self, topic: object, payload: bytes) -> None:
        """Put it into the broker, to be kept there."""
        said = self.broker.publish(self.master, str(topic), payload)
        assert not said, f"the intruder could not publish: {said}"

    def refused(self, node: str, name: str | bytes, *reasons: str) -> Shown:
        """That a node refused a payload, or an entry by its id, for one of these reasons."""
        digest = sha256_hex(name) if isinstance(name, bytes) else name
        since = self.since

        def find() -> str | None:
            for report in self.refusals(node, since):
                if report["sha256"] == digest:
                    assert report["reason"] in reasons, f"{report['reason']}, not {reasons}: {report}"
                    return f"incident at {node}: {report['reason']}"
            return None

        return lambda: wait_for(find, what=f"{node} refuses {digest[:12]}", within_s=SHOWN_WITHIN_S)

    def not_played(self, node: str, broadcast: Broadcast, *outcomes: str) -> Shown:
        """That the log says of a broadcast on a node that it did not sound, for one of these reasons."""

        def find() -> str | None:
            lines = self.town.office.log(broadcast=broadcast.id, node=node)
            found = [line["outcome"] for line in lines if line["outcome"] not in OPEN]
            assert set(found) <= set(outcomes), f"{found}, not {outcomes}"
            return f"log of {node}: {found[0]}" if found else None

        return lambda: wait_for(find, what=f"{node} tells of {broadcast.id}", within_s=SHOWN_WITHIN_S)

    def metrics(self) -> str:
        """The controller's own figures."""
        return self.town.office.metrics()

    def refusals(self, node: str, since: datetime) -> Sequence[Json]:
        """What it refused, as the console shows it."""
        query = {"node": node, "kind": "refusal", "from": since, "limit": 200}
        return [one["report"] for one in self.town.office.leader.get("/incidents", **query)["items"]]


@dataclass(frozen=True, slots=True)
class Case:
    """One attack; with what is in `broken` taken out it succeeds (`make attacks BROKEN=1`)."""

    name: str
    tried: str
    act: Callable[[Stage, Sample], Shown]
    broken: tuple[Edit, ...] = ()
    is_mute: bool = False
    """It does harm that cannot be heard: broken, its own look-up finds the harm done."""
    unbroken: str = ""
    """Where no check could be taken out: why nothing can sound of it."""

    @property
    def is_controllers(self) -> bool:
        """Whether the controller lacks one of the checks, too."""
        return any(edit.file.startswith("loa/controller/") for edit in self.broken)
