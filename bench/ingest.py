"""Play reports over the real broker into SQLite, receipts included, beside bare inserts of the same rows."""

import base64
import json
import sqlite3
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from bench.figure import Figure
from bench.site import SOUND, Site, site
from loa.protocol.chain import GENESIS, extend
from loa.protocol.codec import encode
from loa.protocol.ids import BroadcastId, JournalId, NodeId, occurrence_id
from loa.protocol.keys import SigningKey
from loa.protocol.reasons import Reason
from loa.protocol.reports import Piece, PlayReport, Reports
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs

NODES = 20
REPORTS = 1_500
"""Of each node: what it has to tell after a night without a network."""
BATCH = 25
"""Reports in one message."""
TARGET = 3_000
WITHIN_S = 300
JOURNAL = JournalId("b" * 32)


def measure() -> Figure:
    keys = {f"loa-{number:04d}": SigningKey.generate() for number in range(NODES)}
    messages = {node: list(_messages(NodeId(node), key)) for node, key in keys.items()}
    total = NODES * REPORTS
    with site(NODES, keys={node: key.public.x for node, key in keys.items()}) as running:
        ours = total / _send_all(running, messages)
        stored, lines = _count(running)
        assert (stored, lines) == (total, total), f"{stored} reports and {lines} lines of {total} are stored"
        bare = total / _insert_bare(running)
    return Figure(
        name="ingest",
        value=ours,
        unit="reports/s",
        peer=bare,
        peer_unit="reports/s",
        ratio=ours / bare,
        target=f"≥ {TARGET} reports/s, receipts included",
        met=ours >= TARGET,
        notes=f"{total} reports of {NODES} nodes, {BATCH} a message, each signed; the peer inserts "
        "the same rows into the same tables with executemany, a transaction for each thousand.",
    )


def _messages(node: NodeId, key: SigningKey) -> Iterator[bytes]:
    topic, chain = Topic(Channel.REPORTS, node), GENESIS
    for first in range(1, REPORTS + 1, BATCH):
        reports = tuple(_play(number) for number in range(first, first + BATCH))
        yield encode(topic, Reports(node=node, journal_id=JOURNAL, chain=chain, reports=reports), key)
        chain = extend(chain, (one.to_bytes() for one in reports))


def _play(number: int) -> PlayReport:
    start = _START + timedelta(minutes=number)
    piece = Piece(from_at=start, to_at=start + timedelta(seconds=25), offset_ms=DurationMs(0))
    return PlayReport(
        number=number,
        occurrence=occurrence_id(BroadcastId(SOUND), start),
        planned_at=start,
        outcome=Reason.COMPLETE,
        late_ms=3,
        played_ms=DurationMs(25_000),
        pieces=(piece,),
    )


def _send_all(running: Site, messages: dict[str, list[bytes]]) -> float:
    """Seconds from the first message sent to the last node's receipt for all of its reports."""
    receipts: defaultdict[str, int] = defaultdict(int)
    complete = threading.Event()

    def heard(_client: Client, node: str, message: MQTTMessage) -> None:
        receipts[node] = max(receipts[node], _up_to(message.payload))
        if len(receipts) == NODES and min(receipts.values()) == REPORTS:
            complete.set()

    clients = {node: _client(running, node, heard) for node in messages}
    began = time.monotonic()
    for number in range(len(next(iter(messages.values())))):
        for node, client in clients.items():
            client.publish(str(Topic(Channel.REPORTS, NodeId(node))), messages[node][number], qos=1)
    assert complete.wait(WITHIN_S), f"receipts are missing: {dict(receipts)}"
    took_s = time.monotonic() - began
    for client in clients.values():
        client.disconnect()
        client.loop_stop()
    return took_s


def _client(running: Site, node: str, heard: object) -> Client:
    subscribed = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id=node, userdata=node)
    client.tls_set_context(running.issuer.client_context(node))
    client.on_message = heard  # type: ignore[assignment]  # paho types its callbacks as a union
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", running.mqtt_port)
    client.loop_start()
    client.subscribe(str(Topic(Channel.RECEIPT, NodeId(node))), qos=1)
    assert subscribed.wait(30), "the broker did not answer"
    return client


def _up_to(payload: bytes | bytearray) -> int:
    body = payload.split(b".")[1]
    number: int = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))["up_to"]
    return number


def _count(running: Site) -> tuple[int, int]:
    with sqlite3.connect(running.folder / "loa.db") as database:
        stored: int = database.execute("SELECT count(*) FROM reports").fetchone()[0]
        lines: int = database.execute("SELECT count(*) FROM log").fetchone()[0]
    database.close()
    return stored, lines


def _insert_bare(running: Site) -> float:
    """Seconds for the rows that the controller made, into empty tables of the same form and settings."""
    source = sqlite3.connect(running.folder / "loa.db")
    tables = {name: source.execute(f"SELECT * FROM {name}").fetchall() for name in ("reports", "log")}  # noqa: S608 -- two literals
    forms = source.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name IN ('reports', 'log') AND sql IS NOT NULL "
        "AND type <> 'trigger'"
    ).fetchall()
    source.close()
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        target = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            target.execute(f"PRAGMA {pragma}")
        for (form,) in forms:
            target.execute(form)
        began = time.monotonic()
        for first in range(0, len(tables["reports"]), 1_000):
            target.execute("BEGIN IMMEDIATE")
            for name, rows in tables.items():
                marks = ",".join("?" * len(rows[0]))
                target.executemany(f"INSERT INTO {name} VALUES ({marks})", rows[first : first + 1_000])  # noqa: S608 -- as above
            target.execute("COMMIT")
        took_s = time.monotonic() - began
        target.close()
    return took_s


_START = datetime(2026, 1, 1, tzinfo=UTC)
