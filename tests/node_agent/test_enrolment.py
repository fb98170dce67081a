import json
import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from loa.controller.core.certificates import Authority
from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.adapters.enrolment import (
    CERTIFICATE_FILE,
    ENROLMENT_FILE,
    KEY_FILE,
    enrol,
    load,
    renew_after,
)
from loa.node_agent.adapters.recordings import RecordingFolder
from loa.node_agent.condition import examine, say_root
from loa.node_agent.core.shelf import Seen, Shelf
from loa.node_agent.errors import EnrolmentFailedError, InUseError, NotEnrolledError
from loa.node_agent.main import sole_owner
from loa.node_agent.ports import Change, Reading
from loa.protocol.charter import Papers
from loa.protocol.codes import NodeCode
from loa.protocol.ids import RecordingId, sha256_hex
from loa.protocol.keys import PublicKey, SigningKey
from loa.protocol.reasons import ClockSource, ClockState
from loa.protocol.succession import Succession, name_next
from tests.certificates import AUTHORITY, Issuer
from tests.fakes.node_disk import FakeDisk
from tests.node_agent.makers import KEY, NOON, SOUND, make_broadcast, make_config, make_entry, minutes

CODE = NodeCode("7KQ2MMX9HJ4T", AUTHORITY.fingerprint).spaced()
ANSWER = {
    "node": "cum-01",
    "controller_keys": [KEY.public.x],
    "authority": AUTHORITY.pem,
    "certificate": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
    "renew_after": "2026-08-01T00:00:00.000Z",
    "mqtt": {"host": "::1", "port": 8883},
    "base_url": "https://[::1]:8443",
    "later_field": "ignored",
}


class Office(HTTPServer):
    """Answers enrolments with what the test laid down, over TLS."""

    def __init__(self, issuer: Issuer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = issuer.server_context().wrap_socket(self.socket, server_side=True)
        self.answer: tuple[int, Any] = (200, ANSWER)
        self.authority = issuer.authority.pem
        self.questions: list[tuple[str, Any]] = []
        self.url = f"https://127.0.0.1:{self.server_address[1]}"
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def get_request(self) -> tuple[Any, Any]:
        """A client that does not believe us is no error of ours."""
        try:
            return super().get_request()
        except ssl.SSLError as error:
            raise ConnectionError from error


class _Handler(BaseHTTPRequestHandler):
    server: Office

    def do_GET(self) -> None:
        self.server.questions.append((self.path, None))
        self._answer(200, {"certificate": self.server.authority})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.questions.append((self.path, json.loads(body)))
        self._answer(*self.server.answer)

    def _answer(self, status: int, answer: Any) -> None:  # noqa: ANN401 -- JSON
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 -- http.server's signature
        return


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Office(Issuer.new(tmp_path / "issuer")) as office:
        yield office
        office.shutdown()


def test_a_code_becomes_an_identity_that_only_the_owner_can_read(office: Office, tmp_path: Path) -> None:
    data = tmp_path / "data"
    enrol(office.url, CODE, data)
    identity, key = load(data)
    assert (identity.node, identity.mqtt.host, identity.base_url) == ("cum-01", "::1", "https://[::1]:8443")
    assert office.questions == [
        ("/api/v1/authority", None),
        ("/api/v1/enrolments", {"code": "7KQ2MMX9HJ4T", "key_x": key.public.x}),
    ]
    assert identity.key_ring().find(KEY.kid) == KEY.public
    assert renew_after(data) == datetime(2026, 8, 1, tzinfo=UTC)
    names = (KEY_FILE, ENROLMENT_FILE, CERTIFICATE_FILE)
    assert {stat.S_IMODE((data / name).stat().st_mode) for name in names} == {0o600}


def test_the_code_goes_to_nobody_but_the_controller_that_made_it(office: Office, tmp_path: Path) -> None:
    """Somebody between shows an authority of his own, or the genuine one without having its key."""
    stranger = Authority.make(datetime.now(UTC))
    office.authority = stranger.pem
    with pytest.raises(EnrolmentFailedError, match="not the controller that made this code"):
        enrol(office.url, CODE, tmp_path / "data")
    with Office(Issuer(tmp_path / "stranger", stranger)) as between:
        between.authority = AUTHORITY.pem
        with pytest.raises(EnrolmentFailedError, match="CERTIFICATE_VERIFY_FAILED"):
            enrol(between.url, CODE, tmp_path / "data")
        between.shutdown()
    asked = [path for path, _ in (*office.questions, *between.questions)]
    assert asked == ["/api/v1/authority", "/api/v1/authority"]


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("http://127.0.0.1:1", CODE, "begins with https"),
        ("https://127.0.0.1:1", "7KQ2-MMX9-HJ4T", "32 letters"),
        ("https://127.0.0.1:1", CODE, "check the address"),
    ],
    ids=["no TLS", "too short", "nobody there"],  # the code is another one in every process
)
def test_what_cannot_be_right_is_refused_before_anything_is_said(
    tmp_path: Path, url: str, code: str, words: str
) -> None:
    with pytest.raises(EnrolmentFailedError, match=words):
        enrol(url, code, tmp_path)


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        ({"mqtt": {"host": "::1", "port": 8884}}, True),
        ({"node": "cum-02"}, False),
        ({"controller_keys": [SigningKey.generate().public.x]}, False),
    ],
    ids=["same node", "another node", "another controller"],
)
def test_who_becomes_another_begins_with_an_empty_journal(
    office: Office, tmp_path: Path, change: dict[str, Any], *, is_kept: bool
) -> None:
    enrol(office.url, CODE, tmp_path)
    before = SqliteDisk(tmp_path / load(tmp_path)[0].journal_file)
    before.write(Change(config=make_config()))
    before.close()
    office.answer = (200, {**ANSWER, **change})
    enrol(office.url, CODE, tmp_path)
    after = SqliteDisk(tmp_path / load(tmp_path)[0].journal_file)
    assert (after.journal_id == before.journal_id) is is_kept
    assert (after.recall().config is not None) is is_kept
    after.close()


def test_enrolling_again_keeps_the_key(office: Office, tmp_path: Path) -> None:
    enrol(office.url, CODE, tmp_path)
    enrol(office.url, CODE, tmp_path)
    first, second = (PublicKey.from_x(question["key_x"]) for _, question in office.questions if question)
    assert first.kid == second.kid


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, {"title": "Not found", "detail": "this code is used up; ask for a new one"}), "used up"),
        ((500, "oops"), "no reason"),
        ((200, {"node": "Cụm 1"}), "not an enrolment"),
    ],
)
def test_a_refusal_says_why_and_leaves_no_enrolment(
    office: Office, tmp_path: Path, answer: tuple[int, Any], words: str
) -> None:
    office.answer = answer
    with pytest.raises(EnrolmentFailedError, match=words):
        enrol(office.url, CODE, tmp_path)
    assert not (tmp_path / ENROLMENT_FILE).exists()


@pytest.mark.parametrize(
    "content", [b"{}", b"", b"\0" * 512, b"\xff\xfe\x80", b"-----BEGIN PRIVATE KEY-----"]
)
@pytest.mark.parametrize("name", [KEY_FILE, ENROLMENT_FILE])
def test_a_damaged_file_says_to_enrol(office: Office, tmp_path: Path, name: str, content: bytes) -> None:
    enrol(office.url, CODE, tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NotEnrolledError, match=f"{name}: it is damaged.*new one-time code.*loa-node enrol"):
        load(tmp_path)


def test_enrolling_again_makes_a_new_key_in_place_of_a_damaged_one(office: Office, tmp_path: Path) -> None:
    enrol(office.url, CODE, tmp_path)
    _, before = load(tmp_path)
    (tmp_path / KEY_FILE).write_bytes(b"\xff" * 40)
    enrol(office.url, CODE, tmp_path)
    _, after = load(tmp_path)
    assert after.kid != before.kid
    assert (tmp_path / f"{KEY_FILE}.corrupt").read_bytes() == b"\xff" * 40


def test_two_agents_cannot_share_a_data_directory(tmp_path: Path) -> None:
    with sole_owner(tmp_path), pytest.raises(InUseError, match="stop it first"), sole_owner(tmp_path):
        pass
    with sole_owner(tmp_path):
        pass


def make_disk() -> FakeDisk:
    disk, entry = FakeDisk(), make_entry(make_broadcast(NOON + minutes(5)))
    disk.write(
        Change(config=make_config(), shelf=Shelf(entries={entry.id: Seen(entry, NOON)}), sounds={SOUND: NOON})
    )
    return disk


def clock(state: ClockState = ClockState.TRUSTED) -> Reading:
    return Reading(state=state, source=ClockSource.NTP, error_s=0.02, apart_s=None, apart_error_s=0.0)


def test_status_tells_how_the_clock_is_kept() -> None:
    condition = examine(make_disk(), {SOUND}, is_running=True, now=NOON, clock=clock())
    assert "Its clock is right to 0.0 s, by NTP." in condition.lines
    lost = examine(make_disk(), {SOUND}, is_running=True, now=NOON, clock=clock(ClockState.UNTRUSTED))
    assert not lost.is_well
    assert "nothing scheduled sounds" in " ".join(lost.lines)


def test_status_tells_which_root_counts() -> None:
    old, new = SigningKey.generate(), SigningKey.generate()
    step = name_next(Succession(root=new.public.x, issued_at=NOON), old)
    moved = make_config().model_copy(update={"papers": Papers(successions=(step,))})
    assert "without a root key" in say_root(None, moved)
    assert old.public.x in say_root(old.public, make_config())
    assert new.public.x in say_root(old.public, moved)


def test_status_tells_what_comes_next() -> None:
    condition = examine(make_disk(), {SOUND}, is_running=True, now=NOON, clock=clock())
    assert condition.is_well
    assert "Next: “Lịch tiêm phòng” at 2026-06-11 12:05:00 local time." in condition.lines


@pytest.mark.parametrize(
    ("disk", "here", "is_running", "words"),
    [
        (make_disk(), set(), True, "1 recordings are missing"),
        (make_disk(), {SOUND}, False, "not running"),
        (FakeDisk(), set(), True, "No configuration"),
    ],
)
def test_status_tells_what_lacks(
    disk: FakeDisk, here: set[RecordingId], *, is_running: bool, words: str
) -> None:
    condition = examine(disk, here, is_running=is_running, now=NOON, clock=clock())
    assert not condition.is_well
    assert words in " ".join(condition.lines)


def test_a_damaged_recording_is_set_aside_and_others_are_kept(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path)
    good, bad = RecordingId(sha256_hex(b"good")), RecordingId("d" * 64)
    folder.place(good).write_bytes(b"good")
    folder.place(bad).write_bytes(b"other bytes")
    assert folder.here() == {good: 4, bad: 11}
    assert (folder.is_sound(good), folder.is_sound(bad)) == (True, False)
    assert folder.here() == {good: 4}
    assert folder.begun() == {}
    assert not folder.is_sound(RecordingId("e" * 64))
    part = folder.place(bad).with_name(f"{bad}.ogg.part")
    part.write_bytes(b"begun")
    assert folder.sweep([bad]) == 1
    assert part.exists()
    assert folder.here() == {good: 4}
