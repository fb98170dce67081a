import os
import secrets
from datetime import datetime
from pathlib import Path
from ssl import DER_cert_to_PEM_cert, PEM_cert_to_DER_cert, SSLContext
from typing import Annotated, TypeVar
from warnings import catch_warnings

from pydantic import Field
from urllib3.exceptions import InsecureRequestWarning

from loa.node_agent.adapters.folders import sync_folder
from loa.node_agent.adapters.tls import Pass, unverified_context, web_context
from loa.node_agent.adapters.web import WebError, ask
from loa.node_agent.errors import EnrolmentFailedError, NotEnrolledError
from loa.protocol.codes import FINGERPRINT_LENGTH, SECRET_LENGTH, NodeCode, fingerprint
from loa.protocol.errors import MalformedError, ProtocolError
from loa.protocol.ids import NodeId, sha256_hex
from loa.protocol.keys import KeyRing, PublicKey, SigningKey
from loa.protocol.programme import Address
from loa.protocol.units import Instant, format_instant
from loa.protocol.wire import Wire

KEY_FILE = "node.key"
CERTIFICATE_FILE = "node.crt"
ENROLMENT_FILE = "enrolment.json"
_RENEW_AFTER = "renew-after"
_CODE_LETTERS = SECRET_LENGTH + FINGERPRINT_LENGTH
_OK = 200


class MqttPlace(Wire):
    """Where the broker is."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(gt=0, lt=65_536)]


class Certified(Wire):
    """A certificate of this node in PEM, and when it is to be renewed."""

    certificate: Annotated[str, Field(max_length=8_192)]
    renew_after: Instant


class Enrolment(Wire):
    """The controller's answer to the one-time code; `enrolment.json` holds these fields and no others."""

    node: NodeId
    controller_keys: Annotated[tuple[str, ...], Field(min_length=1)]
    """Raw Ed25519 public keys in base64url: whose word this node takes."""
    root_key: str | None = None
    """Raw Ed25519 public key in base64url that names the keepers; without it the controller's word is all."""
    authority: Annotated[str, Field(max_length=8_192)]
    """PEM of the certificate authority, as the letters of the code named it."""
    mqtt: MqttPlace
    base_url: Annotated[str, Field(pattern=r"^https://[^/\s]\S*$")]
    told: Address | None = None
    """What the controller last said of where it is: another word than that makes the node move."""
    release_keys: tuple[str, ...] = ()
    """Raw Ed25519 public keys whose releases this node takes. The updater pins the first that it sees."""

    @property
    def journal_file(self) -> str:
        """Name of this identity's journal: as another node, or under other keys, a machine begins anew.

        What it was to play elsewhere must not sound here, nor its old reports go out under a new name.
        """
        keys = sha256_hex(" ".join(sorted(self.controller_keys)).encode())
        return f"{self.node}-{keys[:12]}.db"

    @property
    def address(self) -> Address:
        """Where the node finds controller and broker."""
        return Address(base_url=self.base_url, mqtt_host=self.mqtt.host, mqtt_port=self.mqtt.port)

    def at(self, address: Address) -> "Enrolment":
        """The same identity at another place."""
        place = MqttPlace(host=address.mqtt_host, port=address.mqtt_port)
        return self.model_copy(update={"base_url": address.base_url, "mqtt": place, "told": address})

    def key_ring(self) -> KeyRing:
        """The keys that this node believes; raises `MalformedError`."""
        return KeyRing(PublicKey.from_x(x) for x in self.controller_keys)

    def root(self) -> PublicKey | None:
        """The key that names keepers; raises `MalformedError`."""
        return PublicKey.from_x(self.root_key) if self.root_key else None


class _Enrolled(Enrolment, Certified):
    """The whole answer."""


def enrol(url: str, typed: str, data: Path) -> Enrolment:
    """Exchange a one-time code for an identity and keep both in `data`, readable by the owner alone.

    The private key is made here, never leaves the machine, and stays the same if enrolment is repeated; one
    that is damaged is set aside. Raises `EnrolmentFailedError`.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    url, key = url.rstrip("/"), _own_key(data / KEY_FILE)
    code, authority = _meet(url, typed)
    question = {"code": code.secret, "key_x": key.public.x}
    answer = _ask("POST", url + "/api/v1/enrolments", question, web_context(authority), _Enrolled)
    enrolment = Enrolment.model_validate(
        answer.model_dump() | {"authority": authority, "told": answer.address}
    )
    keep_certificate(data, answer)
    keep_enrolment(data, enrolment)
    return enrolment


def keep_enrolment(data: Path, enrolment: Enrolment) -> None:
    """Atomic, and synced to the disk."""
    _write_private(data / ENROLMENT_FILE, enrolment.to_bytes().decode() + "\n")


def keep_certificate(data: Path, certified: Certified) -> None:
    """In a file that OpenSSL reads; what stands before the certificate is for us."""
    begins = f"{_RENEW_AFTER} {format_instant(certified.renew_after)}\n"
    _write_private(data / CERTIFICATE_FILE, begins + certified.certificate)


def renew_after(data: Path) -> datetime | None:
    """When the certificate is to be renewed; None if there is no readable one, which is at once."""
    try:
        first = (data / CERTIFICATE_FILE).read_text().partition("\n")[0]
        return datetime.fromisoformat(first.removeprefix(_RENEW_AFTER).strip())
    except (OSError, ValueError):
        return None


def pass_of(enrolment: Enrolment, data: Path) -> Pass:
    """With what the node goes to the broker."""
    return Pass(enrolment.authority, certificate=data / CERTIFICATE_FILE, key=data / KEY_FILE)


def load(data: Path) -> tuple[Enrolment, SigningKey]:
    """What `enrol` kept. Raises `NotEnrolledError`."""
    try:
        enrolment = Enrolment.from_bytes((data / ENROLMENT_FILE).read_bytes())
        enrolment.key_ring()
        enrolment.root()
    except (OSError, ProtocolError) as error:
        raise NotEnrolledError(str(data / ENROLMENT_FILE), _fault(error)) from error
    try:
        return enrolment, _read_key(data / KEY_FILE)
    except (OSError, ProtocolError) as error:
        raise NotEnrolledError(str(data / KEY_FILE), _fault(error)) from error


def _own_key(path: Path) -> SigningKey:
    if path.exists():
        try:
            return _read_key(path)
        except (OSError, ProtocolError):
            path.replace(path.with_name(path.name + ".corrupt"))
    key = SigningKey.generate()
    _write_private(path, key.to_pem())
    return key


def _read_key(path: Path) -> SigningKey:
    return SigningKey.from_pem(path.read_bytes().decode("ascii", errors="replace"))


def _fault(error: Exception) -> str:
    """A file that was never made is another matter than one that a bad disk has spoilt."""
    if isinstance(error, FileNotFoundError):
        return "there is none"
    return f"it is damaged ({error}); this node needs a new one-time code"


def _meet(url: str, typed: str) -> tuple[NodeCode, str]:
    """The code's parts, and the authority that it names; nothing is told to whoever answers yet."""
    endpoint = url + "/api/v1/authority"
    code = NodeCode.read(typed)
    if code is None:
        raise EnrolmentFailedError(endpoint, None, f"a code has {_CODE_LETTERS} letters; look at it again")
    if not url.startswith("https://"):
        raise EnrolmentFailedError(endpoint, None, "the address of a controller begins with https://")
    with catch_warnings(category=InsecureRequestWarning, action="ignore"):
        answer = _ask("GET", endpoint, None, unverified_context(), _Authority)
    der = _der(answer.certificate)
    if not secrets.compare_digest(fingerprint(der), code.fingerprint):
        raise EnrolmentFailedError(endpoint, None, "who answers is not the controller that made this code")
    return code, DER_cert_to_PEM_cert(der)


class _Authority(Wire):
    certificate: str


Answer = TypeVar("Answer", bound=Wire)


def _ask(method: str, url: str, question: object, context: SSLContext, model: type[Answer]) -> Answer:
    try:
        return model.from_bytes(ask(method, url, question, context))
    except WebError as error:
        is_silent = error.status is None
        advice = "check the address and the network" if is_silent else "ask for a new code if need be"
        raise EnrolmentFailedError(url, error.status, f"{error.detail}; {advice}") from error
    except MalformedError as error:
        raise EnrolmentFailedError(url, _OK, f"the answer is not an enrolment: {error}") from error


def _der(pem: str) -> bytes:
    try:
        return PEM_cert_to_DER_cert(pem)
    except ValueError:
        return b""


def _write_private(path: Path, content: str) -> None:
    """Atomic, synced, mode 0600."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
