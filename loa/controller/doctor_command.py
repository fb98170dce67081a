"""`loa-controller doctor`: looks at what people and nodes need to find the controller and to believe it."""

import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import typer
from cryptography import x509

from loa.controller.commands import read_settings, told
from loa.controller.core.checkup import (
    Grade,
    Look,
    Shown,
    judge_certificate,
    judge_name,
    judge_nodes,
    judge_place,
    judge_secret,
)
from loa.controller.core.names import host_of
from loa.controller.settings import HttpTls, Settings
from loa.controller.store.configs import behind_config
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder


def add_to(app: typer.Typer) -> None:
    """The command of this module."""
    app.command("doctor")(doctor)


def doctor() -> None:
    """Look at name, certificate, keys and nodes; say what to do. Ends with 0 if no fault is found, else 1."""
    with told():
        settings = read_settings()
        looks = list(look_at(settings))
    for look in looks:
        typer.echo(f"{look.grade:<3} {look.said}")
        if look.do:
            typer.echo(f"    What to do: {look.do}")
    raise typer.Exit(1 if any(look.grade is Grade.PROBLEM for look in looks) else 0)


def look_at(settings: Settings) -> Iterator[Look]:
    """Everything, in the order in which it is to be mended."""
    folder = DataFolder(settings.data_dir)
    host = host_of(settings.address)
    yield judge_name(settings.address)
    yield judge_place(host, _addresses(host), _own_addresses(host))
    shown = _shown(settings, folder)
    if isinstance(shown, Look):
        yield shown
    else:
        yield judge_certificate(host, shown, datetime.now(UTC))
    for secret in (folder.key, folder.authority):
        yield _secret(secret)
    if folder.key.exists():
        yield _nodes(settings)


def _addresses(host: str) -> frozenset[str]:
    try:
        return frozenset(str(found[4][0]) for found in socket.getaddrinfo(host, None))
    except OSError:
        return frozenset()


def _own_addresses(host: str) -> frozenset[str]:
    """Of those that the name leads to, the ones on which this machine could listen."""
    return frozenset(address for address in _addresses(host) if _is_ours(address))


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _shown(settings: Settings, folder: DataFolder) -> Shown | Look:
    if settings.http_tls is HttpTls.PROXY:
        return Look(Grade.WELL, "A proxy shows the certificate; look at it in a browser.")
    own = folder.certificates / "web.pem"
    file = settings.http_certificate if settings.http_tls is HttpTls.FILES else own
    try:
        found = x509.load_pem_x509_certificate((file or own).read_bytes())
    except FileNotFoundError:
        if file is own:
            return Look(Grade.WARNING, "There is no certificate before the first start.", "Start it.")
        return Look(Grade.PROBLEM, f"There is no file {file}.", "Set LOA_HTTP_CERTIFICATE.")
    except (OSError, ValueError) as error:
        return Look(Grade.PROBLEM, f"{file} holds no certificate: {error}.", "Set LOA_HTTP_CERTIFICATE.")
    return Shown(names=_names(found), not_after=found.not_valid_after_utc, is_ours=file is own)


def _names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    addresses = {str(one) for one in held.get_values_for_type(x509.IPAddress)}
    return frozenset(held.get_values_for_type(x509.DNSName)) | addresses


def _secret(path: Path) -> Look:
    try:
        return judge_secret(str(path), stat.S_IMODE(path.stat().st_mode))
    except OSError as error:
        do = "Run `loa-controller init`, or bring a backup back."
        return Look(Grade.PROBLEM, f"{path}: {error.strerror}.", do)


def _nodes(settings: Settings) -> Look:
    db = Database(settings.database)
    try:
        with db.look() as session:
            return judge_nodes(behind_config(session))
    finally:
        db.close()
