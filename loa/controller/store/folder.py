"""The controller's folder: what lies where, and the key that only its owner may read."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loa.controller.core.certificates import Authority, BadAuthorityError
from loa.controller.errors import Conflict, Unavailable
from loa.controller.store.private_files import make_private
from loa.protocol.errors import MalformedError
from loa.protocol.keys import SigningKey


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths below the data directory."""

    path: Path

    @property
    def key(self) -> Path:
        """The controller's signing key, mode 0600."""
        return self.path / "controller.pem"

    @property
    def authority(self) -> Path:
        """Key and certificate of the certificate authority, mode 0600."""
        return self.path / "authority.pem"

    @property
    def certificates(self) -> Path:
        """The controller's own certificates, made anew at every start; no backup holds them."""
        return self.path / "certificates"

    @property
    def database(self) -> Path:
        """SQLite's file, unless another database is used."""
        return self.path / "loa.db"

    @property
    def recordings(self) -> Path:
        """Prepared sounds, each under its SHA-256."""
        return self.path / "recordings"

    @property
    def releases(self) -> Path:
        """Bundles of the agent, each under its SHA-256."""
        return self.path / "releases"

    @property
    def uploads(self) -> Path:
        """Sounds that come in pieces, until they are recordings."""
        return self.path / "uploads"

    @property
    def silences(self) -> Path:
        """The journal of silences, which works without the database."""
        return self.path / "silences.journal"

    @property
    def rights(self) -> Path:
        """The signed copy of people's rights, with which STOP works without the database."""
        return self.path / "rights"

    @property
    def factors_key(self) -> Path:
        """Seals the secrets of second factors, so that the database alone gives none of them away."""
        return self.path / "factors.key"

    @property
    def audit_head(self) -> Path:
        """The last line of the audit trail that was seen in the database, so that a cut tail is noticed."""
        return self.path / "audit.head"

    @property
    def audit_forwarded(self) -> Path:
        """The last line of the audit trail that went to syslog."""
        return self.path / "audit.forwarded"

    @property
    def backups(self) -> Path:
        """Backups that were made from the console; no backup holds them."""
        return self.path / "backups"

    @property
    def broker(self) -> Path:
        """The broker's generated files and its own."""
        return self.path / "broker"

    @property
    def lock(self) -> Path:
        """Held while a controller runs on this folder."""
        return self.path / "lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other controllers off the folder; raises `Conflict` while one runs on it."""
        self.prepare()
        with self.lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict("running", f"a controller runs on {self.path}; stop it first") from error
            yield

    def prepare(self) -> None:
        """Make the folder, readable by its owner alone; raises `Unavailable`."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.recordings.mkdir(exist_ok=True, mode=0o700)
            self.releases.mkdir(exist_ok=True, mode=0o700)
            self.uploads.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise Unavailable("no_data_folder", f"{error}; set LOA_DATA_DIR to a folder of yours") from error

    def check_new(self) -> None:
        """Raise `Conflict` where a key is: nodes believe that one."""
        if self.key.exists():
            raise Conflict(
                "initialised_already", f"{self.path} is initialised already, and nodes believe its key"
            )

    def make_key(self) -> SigningKey:
        """A new key on disk; raises `Conflict` as `check_new`."""
        self.check_new()
        key = SigningKey.generate()
        make_private(self.key, key.to_pem().encode())
        return key

    def set_keys_aside(self, at: datetime, *, factors: bool) -> list[Path]:
        """Rename the key and the authority, so that others can be made; the copy of rights goes."""
        secrets = (self.key, self.authority, *([self.factors_key] if factors else []))
        mark = f"{at:%Y%m%d-%H%M%S}"
        aside = [path.rename(path.with_name(f"{path.name}.{mark}")) for path in secrets if path.exists()]
        self.rights.unlink(missing_ok=True)
        return aside

    def make_authority(self, now: datetime) -> Authority:
        """The certificate authority on disk: the one that is there, else a new one. Raises `Unavailable`."""
        if not self.authority.exists():
            make_private(self.authority, Authority.make(now).to_pem().encode())
        return self.read_authority()

    def read_authority(self) -> Authority:
        """The certificate authority; raises `Unavailable` with what to do."""
        try:
            return Authority.from_pem(self.authority.read_text())
        except FileNotFoundError as error:
            raise Unavailable("no_authority", f"{self.authority} is missing; bring a backup back") from error
        except (OSError, BadAuthorityError) as error:
            raise Unavailable("authority_unreadable", f"{self.authority}: {error}") from error

    def read_key(self) -> SigningKey:
        """The key; raises `Unavailable` with what to do."""
        try:
            return SigningKey.from_pem(self.key.read_text())
        except FileNotFoundError as error:
            raise Unavailable(
                "not_initialised", f"{self.key} is missing; run `loa-controller init` first"
            ) from error
        except (OSError, MalformedError) as error:
            raise Unavailable("key_unreadable", f"{self.key}: {error}") from error
