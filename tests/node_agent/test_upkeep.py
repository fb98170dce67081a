"""A node's certificate and its controller's address are kept current; with a real broker and a real HTTPS."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from loa.controller.core.certificates import Authority
from loa.node_agent.adapters.address_book import AddressBook
from loa.node_agent.adapters.enrolment import (
    CERTIFICATE_FILE,
    KEY_FILE,
    Certified,
    Enrolment,
    MqttPlace,
    keep_certificate,
    keep_enrolment,
    load,
    pass_of,
    renew_after,
)
from loa.node_agent.adapters.renewal import Renewal
from loa.node_agent.adapters.upkeep import FIRST_PAUSE_S, LOOK_EVERY_S, Maintenance
from loa.node_agent.ports import Arrival
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import Address
from loa.protocol.proof import check_proof, make_challenge
from loa.protocol.units import format_instant
from tests.certificates import AUTHORITY, Issuer
from tests.fakes.node_world import FakeTime
from tests.loopback import free_port
from tests.node_agent.makers import KEY, NODE, NOON
from tests.node_agent.station import Broker


class Controller(HTTPServer):
    """Answers as the controller does, to whoever proves the node's key."""

    def __init__(self, issuer: Issuer, node_key: SigningKey) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = issuer.server_context().wrap_socket(self.socket, server_side=True)
        self.node_keys = KeyRing([node_key.public])
        self.certificate = "a certificate"
        self.asked = 0
        self.is_well = True
        self.url = f"https://127.0.0.1:{self.server_address[1]}"
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def get_request(self) -> tuple[Any, Any]:
        """A client that does not believe us is no error of ours."""
        try:
            return super().get_request()
        except ssl.SSLError as error:
            raise ConnectionError from error

    def answer(self, path: str, question: Any) -> tuple[int, object]:  # noqa: ANN401 -- JSON
        self.asked += 1
        now = datetime.now(UTC)
        if not self.is_well:
            return 503, {"detail": "away"}
        if path == "/healthz":
            return 200, {"alive": True}
        if path.endswith("/challenge"):
            return 200, {"challenge": make_challenge(NODE, now=now, key=KEY)}
        check_proof(question["proof"], NODE, now=now, keys=self.node_keys, own=KeyRing([KEY.public]))
        later = format_instant(NOON + timedelta(days=60))
        return 200, {"certificate": self.certificate, "renew_after": later}


class _Handler(BaseHTTPRequestHandler):
    server: Controller

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "null"))

    def _answer(self, question: Any) -> None:  # noqa: ANN401 -- JSON
        status, answer = self.server.answer(self.path, question)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 -- http.server's signature
        return


@dataclass
class House:
    """An enrolled data directory, and a controller that it knows."""

    data: Path
    controller: Controller
    clock: FakeTime
    inbox: Queue[Arrival] = field(default_factory=Queue)

    def __post_init__(self) -> None:
        identity, key = load(self.data)
        self.book = AddressBook(identity, shows=pass_of(identity, self.data), data=self.data)
        self.renewal = Renewal(
            lambda: self.book.here.base_url,
            node=NODE,
            key=key,
            authority=identity.authority,
            data=self.data,
            clock=self.clock,
        )
        self.upkeep = Maintenance(self.book, self.renewal, inbox=self.inbox, clock=self.clock)

    @property
    def certificate(self) -> str:
        return (self.data / CERTIFICATE_FILE).read_text().partition("\n")[2]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    data, key = tmp_path / "data", SigningKey.generate()
    data.mkdir()
    (data / KEY_FILE).write_text(key.to_pem())
    issuer = Issuer.new(tmp_path / "issuer")
    with Controller(issuer, key) as controller:
        place = MqttPlace(host="127.0.0.1", port=free_port())
        enrolment = Enrolment(
            node=NODE,
            controller_keys=(KEY.public.x,),
            authority=AUTHORITY.pem,
            mqtt=place,
            base_url=controller.url,
        )
        keep_enrolment(data, enrolment)
        certified = Certified(certificate=issuer.node(NODE, key), renew_after=NOON + timedelta(days=50))
        keep_certificate(data, certified)
        yield House(data, controller, FakeTime(NOON))
        controller.shutdown()


def test_a_certificate_is_renewed_when_it_is_due_and_not_before(house: House) -> None:
    house.clock.go(house.clock.now() + timedelta(seconds=50 * 86_400 - 1))
    house.upkeep.look()
    assert house.controller.asked == 0
    house.clock.go(house.clock.now() + timedelta(seconds=1))
    house.upkeep.look()
    assert house.certificate == "a certificate"
    assert renew_after(house.data) == NOON + timedelta(days=60)
    house.clock.go(house.clock.now() + timedelta(seconds=FIRST_PAUSE_S))
    house.upkeep.look()
    assert house.controller.asked == 2, "a challenge and its answer, once"


def test_who_is_turned_away_by_the_broker_renews_whatever_its_clock_says(house: House) -> None:
    house.upkeep.turned_away()
    house.upkeep.look()
    assert house.certificate == "a certificate"


def test_a_certificate_that_the_disk_has_spoilt_is_renewed(house: House) -> None:
    (house.data / CERTIFICATE_FILE).write_bytes(b"\0" * 512)
    house.upkeep.look()
    assert house.certificate == "a certificate"


def test_a_controller_that_is_away_is_asked_again_in_growing_pauses(house: House) -> None:
    house.controller.is_well = False
    house.upkeep.turned_away()
    seconds = []
    for second in range(0, 3_600, int(LOOK_EVERY_S)):
        before = house.controller.asked
        house.renewal.turned_away()
        house.upkeep.look()
        seconds += [second] if house.controller.asked > before else []
        house.clock.go(house.clock.now() + timedelta(seconds=LOOK_EVERY_S))
    assert 4 <= len(seconds) <= 10
    assert seconds[-1] - seconds[-2] > seconds[1] - seconds[0]


def test_the_old_place_goes_on_until_the_new_one_has_proved_itself(house: House, tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    here = house.book.here
    there = Address(base_url=house.controller.url + "/", mqtt_host="localhost", mqtt_port=broker.port)
    house.upkeep.follow(there)
    house.upkeep.look()
    assert house.book.here == here, "nothing answers there yet"
    broker.start()
    house.clock.go(house.clock.now() + timedelta(seconds=FIRST_PAUSE_S))
    house.upkeep.look()
    broker.kill()
    assert house.book.here == there
    assert load(house.data)[0].address == there, "and it is found there after a restart"


def test_a_place_of_somebody_else_is_never_moved_to(house: House, tmp_path: Path) -> None:
    """A broker and a controller that another authority vouches for."""

    stranger = Issuer(tmp_path / "stranger", Authority.make(datetime.now(UTC)))
    with Controller(stranger, SigningKey.generate()) as theirs:
        house.upkeep.follow(Address(base_url=theirs.url, mqtt_host="127.0.0.1", mqtt_port=free_port()))
        house.upkeep.look()
        assert (theirs.asked, house.book.here.base_url) == (0, house.controller.url)
        theirs.shutdown()
