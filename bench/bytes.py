"""What a node costs its SIM in a month without sound: TLS, MQTT, HTTP, TCP and IP included.

A real agent, broker and controller speak through `bench.tunnel`. What each kind of exchange costs is measured
by itself; a month is made of them by the reference day below; and a run of real minutes must come to what the
same sum says. The peer is the naive design: a signed state of 650 bytes each minute.
"""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import CERT_REQUIRED, SSLContext, TLSVersion

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.certificates import make_chain
from bench.figure import Figure
from bench.tunnel import HEADERS_BYTES, MSS_BYTES, Ends, Tally, Tunnel, tunnels
from loa.audio.levels import MOST_STRETCHES
from loa.controller.store.database import Database
from loa.controller.store.tables import NodeRow
from loa.node_agent.adapters.courier import KEEPALIVE_S
from loa.node_agent.adapters.enrolment import CERTIFICATE_FILE, ENROLMENT_FILE, KEY_FILE, load
from loa.protocol.codec import encode
from loa.protocol.health import Concern, Health
from loa.protocol.ids import AreaId, BootId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.programme import NodeSettings
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, Held, Levels, State
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs, SizeBytes
from tests.certificates import Issuer, context_of
from tests.flow.ears import make_sound
from tests.flow.office import VILLAGES
from tests.flow.village import Loudspeaker, Village
from tests.waiting import wait_for

LIMIT_MB = 15.0
DAYS = 30
NODE = "cum-nha-van-hoa"
STATES_A_DAY, FULL_A_DAY = 288, 25
RECONNECTS_A_DAY, OCCURRENCES_A_DAY, PROGRAMMES_A_DAY, STARTS_A_MONTH = 10, 6, 1, 3
DAY = (
    f"{STATES_A_DAY} states, {FULL_A_DAY} of them full; {RECONNECTS_A_DAY} reconnects; {OCCURRENCES_A_DAY} "
    f"occurrences that sound, told by two ears; {PROGRAMMES_A_DAY} new programme; "
    f"{STARTS_A_MONTH} starts a month"
)
PEER_BYTES, PEER_EVERY_S = 650, 60
RUN_S = 330.0
SUM_WITHIN = 0.15
"""By how much the real minutes may differ from the sum."""
_QUIET_S = 7.0
_OFTEN_MS = 3_000
_ROUNDS = 3
_MANY = 10
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one exchange each, in bytes on the wire, both directions."""

    start: float
    reconnect: float
    programme: float
    occurrence: float
    compact: float
    full: float
    ping: float

    def month(self) -> dict[str, float]:
        """By what it is for."""
        pings = STATES_A_DAY * int(NodeSettings().state_every_ms / 1000 / KEEPALIVE_S)
        day = {
            "states": (STATES_A_DAY - FULL_A_DAY) * self.compact + FULL_A_DAY * self.full,
            "pings": pings * self.ping,
            "reconnects": RECONNECTS_A_DAY * self.reconnect,
            "occurrences": OCCURRENCES_A_DAY * self.occurrence,
            "programmes": PROGRAMMES_A_DAY * self.programme,
        }
        return {name: DAYS * cost for name, cost in day.items()} | {"starts": STARTS_A_MONTH * self.start}


@dataclass(frozen=True, slots=True)
class Run:
    """Real minutes: what they came to, and what the sum says of what was said in them."""

    measured: int
    summed: float
    said: str


def measure() -> Figure:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, Village.founded(Path(name)) as village:
        node = Loudspeaker(NODE, village.folder / NODE)
        node.enrol(village.base_url, village.office.add_node(NODE, VILLAGES[0]))
        with tunnels(*_ways(Path(name), village, node)) as (to_http, to_mqtt):
            site = _Site(village, node, to_http, to_mqtt)
            costs = site.costs()
            run = site.run(costs)
            peer = site.peer()
    return _figure(costs, run, peer)


def _figure(costs: Costs, run: Run, peer_bytes: float) -> Figure:
    parts = costs.month()
    month_mb, peer_mb = sum(parts.values()) / _MB, peer_bytes * DAYS * 86_400 / PEER_EVERY_S / _MB
    off = abs(run.measured / run.summed - 1)
    each = ", ".join(f"{name} {getattr(costs, name):.0f}" for name in Costs.__dataclass_fields__)
    shares = ", ".join(f"{name} {cost / _MB:.2f}" for name, cost in parts.items())
    return Figure(
        name="bytes",
        value=month_mb,
        unit="MB a month",
        peer=peer_mb,
        peer_unit="MB a month",
        ratio=month_mb / peer_mb,
        target=f"≤ {LIMIT_MB:g} MB a month without sound; real minutes within {SUM_WITHIN:.0%} of the sum",
        met=month_mb <= LIMIT_MB and off <= SUM_WITHIN,
        notes=(
            f"a day of {DAY}; MB: {shares}; bytes on the wire an exchange: {each}; {RUN_S:g} real seconds: "
            f"{run.measured} bytes, the sum says {run.summed:.0f} ({run.said}); peer: a signed state of "
            f"{PEER_BYTES} bytes each minute over the same wire; without DNS, NTP and what a network loses"
        ),
    )


class _Site:
    def __init__(self, village: Village, node: Loudspeaker, to_http: Tunnel, to_mqtt: Tunnel) -> None:
        self._village = village
        self._office = village.office
        self._tunnels: tuple[Tunnel, ...] = (to_http, to_mqtt)
        self._http, self._mqtt = to_http, to_mqtt
        self._database = Database(f"sqlite:///{village.data / 'loa.db'}")
        self._node = node
        self._lead_through(to_http.port, to_mqtt.port)
        self._settle(reconnect_jitter_ms=DurationMs(500))
        self._sound = self._office.upload(make_sound(village.folder / "sound.wav", 2, seed=7))
        self._office.announce(self._sound, at=_in(86_400))

    def costs(self) -> Costs:
        start = self._over(self._start)
        self._node.holds(self._sound)
        sound_bytes = (self._node.data / "recordings" / f"{self._sound}.ogg").stat().st_size
        reconnect = sum(self._over(self._reconnect) for _ in range(_ROUNDS)) / _ROUNDS
        programme = sum(self._over(self._announce) for _ in range(_ROUNDS)) / _ROUNDS
        occurrence = sum(self._occurrence() for _ in range(_ROUNDS)) / _ROUNDS + _levels_beyond()
        compact, size = self._compact()
        full = compact + _full_beyond(size)
        ping = self._ping()
        return Costs(start - sound_bytes, reconnect, programme, occurrence, compact, full, ping)

    def run(self, costs: Costs) -> Run:
        """Minutes in which nothing happens but time."""
        before, said = self._tally(), self._mqtt.said.copy()
        ends = time.monotonic() + RUN_S
        while time.monotonic() < ends:
            time.sleep(1)
        self._rest()
        measured = (self._tally() - before).on_wire_bytes
        said = self._mqtt.said - said
        summed = said["state"] * costs.compact + said["ping"] * costs.ping
        return Run(measured, summed, ", ".join(f"{count} × {name}" for name, count in sorted(said.items())))

    def peer(self) -> float:
        """Bytes on the wire of one naive state."""
        self._node.kill()
        place = load(self._node.data)[0].mqtt
        client = Client(CallbackAPIVersion.VERSION2, client_id=NODE)
        client.tls_set_context(_as_node(self._node))
        client.connect(place.host, place.port)
        client.loop_start()
        wait_for(client.is_connected, what="the peer is in")
        self._rest()
        before = self._tally()
        for _ in range(_MANY):
            client.publish(f"loa/v1/nodes/{NODE}/state", b"x" * PEER_BYTES, 1).wait_for_publish(10)
            self._rest()
        spent = (self._tally() - before).on_wire_bytes
        client.disconnect()
        client.loop_stop()
        return spent / _MANY

    def _start(self) -> None:
        self._node.start()
        self._says("hello")

    def _reconnect(self) -> None:
        before = self._mqtt.said["state"]
        self._mqtt.cut()
        wait_for(lambda: self._mqtt.said["state"] > before, what="the node is back", within_s=60)

    def _announce(self) -> None:
        made = self._office.announce(self._sound, at=_in(86_400))
        self._office.awaits_delivery(made, NODE)

    def _occurrence(self) -> float:
        """What it sounds, from the moment when its programme is there."""
        made = self._office.announce(self._sound, at=_in(20))
        self._office.awaits_delivery(made, NODE)
        self._rest()
        return self._over(lambda: self._office.awaits_outcome(made, NODE))

    def _compact(self) -> tuple[float, int]:
        """Of many that follow each other, the mean; and the size of one."""
        self._settle(state_every_ms=DurationMs(_OFTEN_MS))
        self._says("state", 3)
        before = self._tally()
        self._says("state", _MANY)
        time.sleep(1)
        spent, size = self._tally() - before, self._mqtt.sizes["state"]
        self._settle(state_every_ms=NodeSettings().state_every_ms)
        self._rest()
        return spent.on_wire_bytes / _MANY, size

    def _ping(self) -> float:
        """The first ping that comes with nothing beside it."""
        while True:
            self._rest()
            before, said = self._tally(), self._mqtt.said.copy()
            self._says("ping", within_s=2 * KEEPALIVE_S)
            self._rest()
            if self._mqtt.said - said == {"ping": 1}:
                return (self._tally() - before).on_wire_bytes

    def _over(self, act: Callable[[], object]) -> float:
        """Bytes on the wire from quiet to quiet."""
        self._rest()
        before = self._tally()
        act()
        self._rest()
        return (self._tally() - before).on_wire_bytes

    def _tally(self) -> Tally:
        return sum((one.tally() for one in self._tunnels), Tally())

    def _rest(self) -> None:
        """Until nothing is said any more, and what HTTP had opened has ended.

        The controller keeps an idle connection for longer than we want to wait; in the field hours lie
        between one use and the next, so that each pays for its own beginning and end.
        """
        self._wait_until_quiet()
        self._http.cut()
        self._wait_until_quiet()

    def _wait_until_quiet(self) -> None:
        def is_quiet() -> bool:
            return all(time.monotonic() - one.last_s > _QUIET_S for one in self._tunnels)

        wait_for(is_quiet, what="the wire is quiet", within_s=120)

    def _says(self, name: str, times: int = 1, within_s: float = 60) -> None:
        wanted = self._mqtt.said[name] + times
        wait_for(lambda: self._mqtt.said[name] >= wanted, what=f"the node says {name}", within_s=within_s)

    def _settle(self, **settings: DurationMs) -> None:
        """Give the node other settings, as a later controller may."""
        with self._database.work() as work:
            row = work.session.get_one(NodeRow, NODE)
            kept = NodeSettings.from_bytes(row.settings) if row.settings else NodeSettings()
            row.settings = kept.model_copy(update=settings).to_bytes().decode()
        self._office.admin.patch(f"/nodes/{NODE}", {"settings": {"billing_day": 1}})

    def _lead_through(self, http: int, mqtt: int) -> None:
        path = self._node.data / ENROLMENT_FILE
        enrolment = json.loads(path.read_bytes())
        enrolment["base_url"] = f"https://127.0.0.1:{http}"
        enrolment["mqtt"] |= {"host": "127.0.0.1", "port": mqtt}
        path.write_text(json.dumps(enrolment))


def _ways(folder: Path, village: Village, node: Loudspeaker) -> tuple[tuple[int, Ends], ...]:
    """To HTTP, whose certificate is a public one and larger, and to MQTT, which is shown the node's own."""
    http, mqtt = village.ports
    issuer = Issuer.of_controller(village.data, folder)
    out, inside = make_chain(folder)
    near, at_broker = issuer.server_context(), issuer.server_context()
    at_broker.minimum_version = TLSVersion.TLSv1_3
    at_broker.verify_mode = CERT_REQUIRED
    at_broker.load_verify_locations(cadata=issuer.authority.pem)
    as_node = _as_node(node)
    return (
        (http, Ends(near=near, out=out, inside=inside, on=village.trust)),
        (mqtt, Ends(near=near, out=as_node, inside=at_broker, on=as_node, name="127.0.0.1")),
    )


def _as_node(node: Loudspeaker) -> SSLContext:
    authority = load(node.data)[0].authority
    return context_of(authority, node.data / CERTIFICATE_FILE, node.data / KEY_FILE)


def _in(seconds: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)


def _levels_beyond() -> int:
    """What the longest rows of two ears add to a report: the sound here is shorter, and heard by nobody."""
    row = (-20,) * MOST_STRETCHES
    levels = Levels(every_s=8, recorded=row, rendered=row, heard=row)
    size = len(levels.to_bytes()) * 4 // 3  # the envelope is base64
    return size + size // MSS_BYTES * HEADERS_BYTES


def _full_beyond(compact_bytes: int) -> int:
    """What a full state of a Raspberry Pi has more than a compact one: this machine has fewer sensors."""
    topic = Topic(Channel.STATE, NodeId(NODE))
    areas = ("tinh-vinh-phuc", "lang-cong", VILLAGES[0], NODE)
    full = State(
        node=NodeId(NODE),
        boot_id=BootId("c" * 32),
        at=datetime.now(UTC),
        detail=Detail.FULL,
        clock=ClockState.TRUSTED,
        config=1_795_000_000_000,
        held={AreaId(area): Held(programme=1_795_000_000_000, urgent=1_795_000_000_000) for area in areas},
        free_bytes=SizeBytes(20 * 10**9),
        agent="0.1.0",
        health=_PI,
    )
    size = len(encode(topic, full, SigningKey.generate())) + len(str(topic)) + 4
    return size - compact_bytes + size // MSS_BYTES * HEADERS_BYTES


_PI = Health(
    temperature_c=61.3,
    under_voltage=False,
    under_voltage_since_boot=False,
    disk_wear_pct=20,
    disk_errors=0,
    memory_free_bytes=SizeBytes(612_480_000),
    agent_rss_bytes=SizeBytes(70_000_000),
    clock_offset_ms=-3,
    clock_error_ms=21,
    signal_pct=67,
    bytes_month=SizeBytes(12_345_678),
    forecast_bytes=SizeBytes(14_345_678),
    budget_bytes=SizeBytes(500_000_000),
    concerns=(Concern.SIGNAL_WEAK,),
)
