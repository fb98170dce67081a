import json
import os
from pathlib import Path
from typing import Annotated, Any

import urllib3
from pydantic import Field, ValidationError

from loa.node_agent.adapters.folders import sync_folder
from loa.node_agent.errors import EnrolmentFailedError, NotEnrolledError
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import NodeId, sha256_hex
from loa.protocol.keys import KeyRing, PublicKey, SigningKey
from loa.protocol.wire import Wire

KEY_FILE = "node.key"
ENROLMENT_FILE = "enrolment.json"
_TIMEOUT_S = 10.0
_OK = 200


class MqttAccount(Wire):
    """Where the broker is, and who the node is there."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(gt=0, lt=65_536)]
    username: str
    password: str


class Enrolment(Wire):
    """The controller's answer to the one-time code; `enrolment.json` holds these fields and no others."""

    node: NodeId
    controller_keys: Annotated[tuple[str, ...], Field(min_length=1)]
    """Raw Ed25519 public keys in base64url: whose word this node takes."""
    root_key: str | None = None
    """Raw Ed25519 public key in base64url that names the keepers; without it the controller's word is all."""
    mqtt: MqttAccount
    base_url: Annotated[str, Field(pattern=r"^https?://[^/\s]\S*$")]
    release_keys: tuple[str, ...] = ()
    """Raw Ed25519 public keys whose releases this node takes. The updater pins the first that it sees."""

    @property
    def journal_file(self) -> str:
        """Name of this identity's journal: as another node, or under other keys, a machine begins anew.

        What it was to play elsewhere must not sound here, nor its old reports go out under a new name.
        """
        keys = sha256_hex(" ".join(sorted(self.controller_keys)).encode())
        return f"{self.node}-{keys[:12]}.db"

    def key_ring(self) -> KeyRing:
        """The keys that this node believes; raises `MalformedError`."""
        return KeyRing(PublicKey.from_x(x) for x in self.controller_keys)

    def root(self) -> PublicKey | None:
        """The key that names keepers; raises `MalformedError`."""
        return PublicKey.from_x(self.root_key) if self.root_key else None


def enrol(url: str, code: str, data: Path) -> Enrolment:
    """Exchange a one-time code for an identity and keep both in `data`, readable by the owner alone.

    The private key is made here, never leaves the machine, and stays the same if enrolment is repeated; one
    that is damaged is set aside. Raises `EnrolmentFailedError`.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = _own_key(data / KEY_FILE)
    endpoint = url.rstrip("/") + "/api/v1/enrolments"
    enrolment = _ask(endpoint, {"code": code, "key_x": key.public.x})
    _write_private(data / ENROLMENT_FILE, enrolment.to_bytes().decode() + "\n")
    return enrolment


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


def _ask(endpoint: str, question: dict[str, str]) -> Enrolment:
    timeout = urllib3.Timeout(total=_TIMEOUT_S)
    try:
        with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
            answer = pool.request("POST", endpoint, json=question, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        raise EnrolmentFailedError(endpoint, None, f"{error}; check the address and the network") from error
    if answer.status != _OK:
        raise EnrolmentFailedError(endpoint, answer.status, _problem(answer.data))
    try:
        return Enrolment.model_validate_json(answer.data)
    except ValidationError as error:
        raise EnrolmentFailedError(endpoint, answer.status, "the answer is not an enrolment") from error


def _problem(body: bytes) -> str:
    try:
        problem: Any = json.loads(body)
        return str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        return "no reason was given; ask for a new code"


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
