"""What keeps the audit trail: the head beside the database, forwarding, and the commands."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from loa.controller.adapters.syslog import SyslogSender, address_of
from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.syslog import framed, message
from loa.controller.core.trail import Broken, Fault, Head, Sealed, exported
from loa.controller.errors import Unavailable
from loa.controller.services.audit import Audit
from loa.controller.services.trail import TrailKeeper
from loa.controller.settings import Settings
from loa.controller.store import audits
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.controller.store.heads import HeadFile
from loa.protocol.ids import AreaId
from tests.controller.conftest import Command
from tests.fakes.controller import FakeClock
from tests.waiting import wait_for

KEEPER = Person("lan", "Lan", frozenset({Grant(AreaId("lang-cong"), Role.SUPERVISOR)}))
WRITER = Person("mai", "Mai", frozenset({Grant(AreaId("lang-cong"), Role.OFFICIAL)}))


class FakeSender:
    """Refuses while it is told to."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.down = False

    def send(self, line: Sealed) -> None:
        if self.down:
            raise ConnectionRefusedError("nobody listens")
        self.sent.append(line.line.subject)

    def close(self) -> None:
        self.down = True


class Scene:
    """A keeper over a database, its files, and a clock that stands still."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self.clock = FakeClock()
        self.sender = FakeSender()
        self.head = HeadFile(folder / "audit.head")
        self.forwarded = HeadFile(folder / "audit.forwarded")
        self.keeper = self.anew()

    def anew(self) -> TrailKeeper:
        return TrailKeeper(
            db=self.db,
            clock=self.clock,
            head=self.head,
            forwarded=self.forwarded,
            sender=self.sender,
            look_every_s=60,
        )

    def note(self, *subjects: str) -> None:
        audit = Audit(clock=self.clock, noted=self.keeper.wake)
        for subject in subjects:
            with self.db.work() as work:
                audit.note(work, "mai", "area.changed", subject=subject)

    def as_owner(self, *statements: str) -> None:
        """What somebody does who has the database's own password."""
        with self.db.work() as work:
            for one in ("DROP TRIGGER audit_kept", "DROP TRIGGER audit_stays", *statements):
                work.session.connection().execute(text(one))


@pytest.fixture
def scene(sqlite_db: Database, tmp_path: Path) -> Scene:
    return Scene(sqlite_db, tmp_path)


def head_of(db: Database) -> Head:
    with db.look() as session:
        return audits.head(session)


def test_the_head_is_kept_beside_the_database_a_moment_after_each_act(scene: Scene) -> None:
    scene.keeper.start()
    for subject in "ab":
        scene.note(subject)
        wait_for(lambda: scene.head.read() == head_of(scene.db), what="the head")
    scene.keeper.stop()
    assert scene.keeper.trouble(KEEPER) is None


def test_what_is_noted_at_the_very_end_is_in_the_head(scene: Scene) -> None:
    scene.keeper.start()
    scene.note(*"abc")
    scene.keeper.stop()
    assert scene.head.read() == head_of(scene.db)


@pytest.mark.parametrize(
    ("attack", "fault"),
    [
        (["DELETE FROM audit WHERE id = 3"], Broken(3, Fault.CUT)),
        (["DELETE FROM audit"], Broken(1, Fault.CUT)),
        (["UPDATE audit SET digest = 'x' WHERE id = 3"], Broken(3, Fault.CUT)),
    ],
)
def test_a_trail_whose_end_was_cut_is_told_and_the_kept_head_stays(
    scene: Scene, attack: list[str], fault: Broken
) -> None:
    scene.note(*"abc")
    scene.keeper.keep()
    kept = scene.head.read()
    scene.as_owner(*attack)
    scene.note("d")
    again = scene.anew()
    again.keep()
    found = again.trouble(KEEPER)
    assert found is not None
    assert found.broken is not None
    assert found.broken.fault is fault.fault
    assert scene.head.read() == kept
    assert again.trouble(WRITER) is None, "only who reads the trail is told"


def test_an_alteration_in_the_middle_is_found_by_the_daily_check(scene: Scene) -> None:
    scene.note(*"abc")
    scene.keeper.keep()
    scene.keeper.check()
    assert scene.keeper.trouble(KEEPER) is None
    scene.as_owner("UPDATE audit SET user_id = 'hoa' WHERE id = 2")
    scene.keeper.check()
    found = scene.keeper.trouble(KEEPER)
    assert found is not None
    assert found.broken == Broken(2, Fault.ALTERED)


def test_a_head_that_cannot_be_read_is_not_written_over(scene: Scene) -> None:
    scene.note("a")
    scene.head.path.write_text("{}")
    scene.keeper.keep()
    assert scene.head.path.read_text() == "{}"
    with pytest.raises(Unavailable):
        scene.head.read()


def test_lines_are_forwarded_in_order_from_when_it_was_set(scene: Scene) -> None:
    scene.note("before")
    scene.keeper.keep()
    scene.note(*"ab")
    scene.keeper.keep()
    again = scene.anew()
    scene.note("c")
    again.keep()
    assert scene.sender.sent == ["a", "b", "c"]


def test_a_server_that_is_down_fails_no_act_and_loses_no_line(scene: Scene) -> None:
    scene.keeper.keep()
    scene.sender.down = True
    scene.note(*"ab")
    scene.keeper.keep()
    assert scene.keeper.trouble(KEEPER) is None, "a moment is not worth a word"
    scene.clock.forward(minutes=1)
    scene.note("c")
    scene.keeper.keep()
    late = scene.keeper.trouble(KEEPER)
    assert late is not None
    assert (late.waiting, late.failure) == (3, "nobody listens")
    scene.sender.down = False
    scene.keeper.keep()
    assert scene.sender.sent == ["a", "b", "c"]
    assert scene.keeper.trouble(KEEPER) is None


def sealed_lines(scene: Scene, *subjects: str) -> list[Sealed]:
    scene.note(*subjects)
    with scene.db.look() as session:
        return list(audits.all_lines(session))


def test_a_syslog_message_is_of_rfc_5424(scene: Scene) -> None:
    [line] = sealed_lines(scene, "Xóm Mới")
    sent = message(line, "máy chủ")
    header, _bom, content = sent.partition(b"\xef\xbb\xbf")
    assert header == b"<109>1 2026-11-23T01:00:00.000000Z mych loa - area.changed - "
    assert content.decode() == exported(line)
    assert framed(sent) == str(len(sent)).encode() + b" " + sent


def test_lines_go_by_udp(scene: Scene) -> None:
    [line] = sealed_lines(scene, "a")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        with closing(SyslogSender(address_of(f"udp://127.0.0.1:{server.getsockname()[1]}"))) as sender:
            sender.send(line)
        assert server.recv(65_535) == message(line, socket.gethostname())


class Receiver:
    """A syslog server for one connection."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.got = b""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        opened, _ = self._socket.accept()
        opened.settimeout(20)
        try:
            with self._context.wrap_socket(opened, server_side=True) if self._context else opened as link:
                while content := link.recv(65_536):
                    self.got += content
        except ssl.SSLError:
            opened.close()

    def end(self) -> None:
        self._thread.join(20)
        self._socket.close()


def test_lines_go_by_tcp_and_a_broken_connection_is_opened_again(scene: Scene) -> None:
    first, second = sealed_lines(scene, "a", "b")
    receiver = Receiver()
    sender = SyslogSender(address_of(f"tcp://127.0.0.1:{receiver.port}"))
    sender.send(first)
    sender.send(second)
    sender.close()
    receiver.end()
    host = socket.gethostname()
    assert receiver.got == framed(message(first, host)) + framed(message(second, host))
    with pytest.raises(OSError, match="refused"):
        sender.send(first)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of 127.0.0.1, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "syslog")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "syslog.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize("is_known", [True, False])
def test_lines_go_by_tls_to_a_server_whose_certificate_is_known(
    scene: Scene, certificate: Path, *, is_known: bool
) -> None:
    [line] = sealed_lines(scene, "a")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    receiver = Receiver(server)
    known = ssl.create_default_context(cafile=str(certificate) if is_known else None)
    sender = SyslogSender(address_of(f"tls://127.0.0.1:{receiver.port}"), context=lambda: known)
    if is_known:
        sender.send(line)
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            sender.send(line)
    sender.close()
    receiver.end()
    assert receiver.got == (framed(message(line, socket.gethostname())) if is_known else b"")


@pytest.fixture
def opened(folder: Path, command: Command) -> Iterator[Scene]:
    """An installation of which the commands speak."""
    assert command("init", "--sample", "--password", "mat-khau-thu-nghiem").exit_code == 0
    db = Database(Settings().database)
    yield Scene(db, folder)
    db.close()


def test_the_command_says_that_the_trail_is_whole(opened: Scene, command: Command) -> None:
    opened.keeper.keep()
    head = head_of(opened.db)
    said = command("audit", "verify")
    assert (said.exit_code, f"Head: {head.id}:{head.digest}" in said.output) == (0, True)
    assert command("audit", "verify", "--head", f"{head.id}:{head.digest}").exit_code == 0


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        ("UPDATE audit SET detail = '{}' WHERE id = 2", "line 2 was altered"),
        ("DELETE FROM audit WHERE id = 2", "line 3 does not follow"),
        ("DELETE FROM audit WHERE id > 2", "line 3 and what followed is missing"),
    ],
)
def test_the_command_names_the_first_line_that_is_not_right(
    opened: Scene, command: Command, attack: str, says: str
) -> None:
    opened.keeper.keep()
    opened.as_owner(attack)
    said = command("audit", "verify")
    assert (said.exit_code, says in said.output) == (1, True), said.output


def test_a_head_on_paper_reveals_what_the_one_on_the_disk_does_not(opened: Scene, command: Command) -> None:
    head = head_of(opened.db)
    opened.as_owner("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")
    assert command("audit", "verify").exit_code == 0
    said = command("audit", "verify", "--head", f"{head.id}:{head.digest}")
    assert (said.exit_code, "is missing" in said.output) == (1, True)
    assert "is not ID:DIGEST" in command("audit", "verify", "--head", "4").output


def test_the_command_exports_every_line_and_replaces_no_file(
    opened: Scene, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "trail.jsonl"
    assert command("audit", "export", str(file)).exit_code == 0
    with opened.db.look() as session:
        lines = [exported(sealed) + "\n" for sealed in audits.all_lines(session)]
    assert file.read_text() == "".join(lines)
    assert command("audit", "export").output == "".join(lines)
    assert command("audit", "export", str(file)).exit_code == 1


def test_a_restore_brings_the_trail_back_and_stands_in_it(
    opened: Scene, folder: Path, command: Command, tmp_path: Path
) -> None:
    opened.keeper.keep()
    file = tmp_path / "loa.tar"
    assert command("backup", str(file)).exit_code == 0
    opened.note("after the backup")
    opened.keeper.keep()
    lost = head_of(opened.db)
    opened.db.close()
    assert command("restore", str(file), "--force").exit_code == 0
    assert command("audit", "verify").exit_code == 0
    assert (HeadFile(DataFolder(folder).audit_head).read() or lost).id == lost.id - 1
    with opened.db.look() as session:
        last = list(audits.all_lines(session))[-1].line
    assert (last.act, f"{lost.id}:{lost.digest}" in last.detail) == ("backup.restored", True)
