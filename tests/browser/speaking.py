"""A node's voice: what it would tell the controller, over the real broker."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from loa.protocol.codec import encode
from loa.protocol.ids import BootId, NodeId, OccurrenceId
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, State
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import to_whole_ms
from tests.browser.site import Site
from tests.certificates import AUTHORITY, node_context

PATIENCE_S = 30


class Speaker:
    """One node at the broker."""

    def __init__(self, client: Client, site: Site, node: NodeId) -> None:
        self._client = client
        self._key = site.nodes[node].key
        self._node = node

    def say(self, sounding: OccurrenceId | None = None) -> None:
        """Its state, and what it sounds."""
        state = State(
            node=self._node,
            boot_id=BootId("c" * 32),
            at=to_whole_ms(datetime.now(UTC)),
            detail=Detail.FULL,
            clock=ClockState.TRUSTED,
            sounding=sounding,
        )
        topic = Topic(Channel.STATE, self._node)
        told = self._client.publish(str(topic), encode(topic, state, self._key), qos=1, retain=True)
        told.wait_for_publish(PATIENCE_S)
        assert told.is_published(), "the broker took nothing"


@contextmanager
def speaking(site: Site, node: str) -> Iterator[Speaker]:
    """Connected as that node; gone when the block is left."""
    connected = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id=node)
    voice = site.nodes[node]
    client.tls_set_context(node_context(site.folder, AUTHORITY.pem, voice.certificate, voice.key))
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", site.broker_port)
    client.loop_start()
    try:
        assert connected.wait(PATIENCE_S), "the broker did not answer"
        yield Speaker(client, site, NodeId(node))
    finally:
        client.disconnect()
        client.loop_stop()
