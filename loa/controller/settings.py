"""What the owner of a controller may set by environment variables `LOA_…`; see docs/settings.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from loa.controller.core.access import Role

MIB = 1024 * 1024
Port = Annotated[int, Field(ge=1, le=65_535)]


class BrokerMode(StrEnum):
    """Who runs the broker."""

    CHILD = "child"
    """The controller does, with files that it writes."""
    FILES = "files"
    """Somebody else on this machine does (systemd), with the files that the controller writes."""


class HttpTls(StrEnum):
    """Who speaks TLS with browsers and nodes."""

    OWN = "own"
    """The controller, with a certificate of its own authority: nodes know it, browsers have to be told."""
    FILES = "files"
    """The controller, with a certificate that is supplied in files."""
    PROXY = "proxy"
    """A proxy before it; the controller speaks plain HTTP to that."""


class LogFormat(StrEnum):
    """How log lines look."""

    CONSOLE = "console"
    JSON = "json"


class SmtpSecurity(StrEnum):
    """How the way to the mail server is kept from others."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"
    """Only on the same machine or a wire of one's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting as it is shown."""

    variable: str
    value: str
    """Empty for none; a secret is only said to be there."""
    is_set: bool
    """By the environment; else it is the default."""


class Settings(BaseSettings):
    """Read once at the start."""

    model_config = SettingsConfigDict(env_prefix="LOA_", env_file=None, frozen=True, extra="ignore")

    data_dir: Path = Path("/var/lib/loa")
    database_url: SecretStr | None = None
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: Annotated[str, Field(pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"

    http_host: str = "::"
    http_port: Port = 8443
    http_tls: HttpTls = HttpTls.OWN
    http_certificate: Path | None = None
    http_key: Path | None = None
    trusted_proxies: str | None = None
    public_url: Annotated[str | None, Field(pattern=r"^https://[^/]+$")] = None
    former_names: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]+$")], ...] = ()

    broker_mode: BrokerMode = BrokerMode.CHILD
    broker_folder: Path | None = None
    broker_listen: Annotated[tuple[str, ...], Field(min_length=1)] = ("0.0.0.0", "::")  # noqa: S104 -- nodes come from everywhere
    broker_port: Port = 8883
    broker_host: str = "localhost"
    broker_public_host: str | None = None
    broker_public_port: Port | None = None

    session_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 720
    session_idle_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 336
    second_factor_roles: tuple[Role, ...] = (Role.ADMIN, Role.APPROVER)
    second_factor_grace_hours: Annotated[int, Field(ge=0, le=24 * 90)] = 336
    code_hours: Annotated[int, Field(ge=1, le=24 * 14)] = 24
    emergency_lead_ms: Annotated[int, Field(ge=0, le=60_000)] = 500

    upload_limit_bytes: Annotated[int, Field(ge=1_000)] = 500_000_000
    recording_limit_ms: Annotated[int, Field(ge=1_000, le=86_400_000)] = 14_400_000
    speech_limit_characters: Annotated[int, Field(ge=1, le=200_000)] = 20_000
    speech_words_a_minute: Annotated[int, Field(ge=80, le=300)] = 150
    piper_voices: Mapping[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")], Path] = {}
    piper_program: Annotated[str, Field(min_length=1)] = "piper"
    prepare_at_once: Annotated[int, Field(ge=1, le=64)] = 2
    make_standing_messages: bool = True
    request_limit_bytes: Annotated[int, Field(ge=65_536)] = 4 * MIB

    root_key: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_-]{43}$")] = None
    root_successions: tuple[Annotated[str, Field(max_length=1024)], ...] = ()
    release_keys: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")], ...] = ()

    log_horizon_hours: Annotated[int, Field(ge=1, le=24 * 14)] = 48
    log_grace_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 10
    keep_plays_days: Annotated[int, Field(ge=30)] = 400
    keep_log_days: Annotated[int | None, Field(ge=365)] = None
    keep_health_days: Annotated[int, Field(ge=1)] = 90
    keep_uploads_hours: Annotated[int, Field(ge=1)] = 72
    keep_answers_hours: Annotated[int, Field(ge=1)] = 48

    smtp_host: str | None = None
    smtp_port: Port = 587
    smtp_security: SmtpSecurity = SmtpSecurity.STARTTLS
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$")] = "loa@localhost"
    mail_every_minutes: Annotated[int, Field(ge=5, le=24 * 60)] = 60

    syslog_url: Annotated[str | None, Field(pattern=r"^(udp|tcp|tls)://[^/@]+$")] = None

    mailbox_limit: Annotated[int, Field(ge=100)] = 20_000

    @model_validator(mode="after")
    def _know_where_others_find_us(self) -> Self:
        if self.broker_mode is BrokerMode.FILES and self.broker_folder is None:
            raise ValueError(
                "LOA_BROKER_MODE=files needs LOA_BROKER_FOLDER, the folder of the broker's files"
            )
        if self.http_tls is HttpTls.FILES and None in {self.http_certificate, self.http_key}:
            raise ValueError("LOA_HTTP_TLS=files needs LOA_HTTP_CERTIFICATE and LOA_HTTP_KEY")
        return self

    @field_validator("piper_voices")
    @classmethod
    def _find_voices(cls, voices: Mapping[str, Path]) -> Mapping[str, Path]:
        for path in voices.values():
            if not path.is_file():
                raise ValueError(f"there is no file {path}; name the .onnx file of the voice")
        return voices

    def shown(self) -> tuple[Setting, ...]:
        """All of them by the variable that sets each; nothing secret."""
        return tuple(
            Setting(
                variable=f"LOA_{name.upper()}",
                value=_shown(getattr(self, name)),
                is_set=name in self.model_fields_set,
            )
            for name in type(self).model_fields
        )

    @property
    def database(self) -> str:
        """The URL of the database; SQLite in the data directory unless another one is set."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data_dir / 'loa.db').absolute()}"

    @property
    def address(self) -> str:
        """Where people and nodes find the controller."""
        return self.public_url or f"https://localhost:{self.http_port}"

    @property
    def session_lasting(self) -> timedelta:
        """How long a browser stays signed in."""
        return timedelta(hours=self.session_hours)

    @property
    def session_idle(self) -> timedelta:
        """After how long without a word from the browser it is signed out."""
        return timedelta(hours=self.session_idle_hours)

    @property
    def second_factor_grace(self) -> timedelta:
        """How long roles that ask for a second factor work without one, from the first sign-in on."""
        return timedelta(hours=self.second_factor_grace_hours)

    @property
    def code_lasting(self) -> timedelta:
        """How long a node's code is good."""
        return timedelta(hours=self.code_hours)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "••••••"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | Mapping):
        return ", ".join(map(str, value))
    return str(value)
