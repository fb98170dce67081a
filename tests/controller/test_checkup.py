from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loa.controller.adapters.pem_files import write_private
from loa.controller.core.certificates import Authority
from loa.controller.core.checkup import Grade, Shown, judge_certificate, judge_name, judge_nodes, judge_place
from loa.controller.core.names import NameFault, name_fault
from loa.controller.doctor_command import look_at
from loa.controller.settings import HttpTls, Settings
from loa.controller.store.folder import DataFolder

NOW = datetime(2026, 11, 26, tzinfo=UTC)
HOST = "loa.xa.example"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://loa.langcong.gov.vn", None),
        ("https://loa.langcong.gov.vn:8443", None),
        ("https://localhost:8443", None),
        ("http://loa.langcong.gov.vn", NameFault.NOT_HTTPS),
        ("http://localhost", NameFault.NOT_HTTPS),
        ("https://192.168.1.5", NameFault.IP_ADDRESS),
        ("https://[2001:db8::1]:8443", NameFault.IP_ADDRESS),
        ("https://loa", NameFault.NO_NAME),
    ],
)
def test_an_address_is_refused_that_passkeys_or_microphones_fail_on(
    url: str, fault: NameFault | None
) -> None:
    assert name_fault(url) == fault
    assert judge_name(url).grade is (Grade.WELL if fault is None else Grade.PROBLEM)


def shown(*names: str, days: int = 60, is_ours: bool = False) -> Shown:
    return Shown(names=frozenset(names), not_after=NOW + timedelta(days=days), is_ours=is_ours)


@pytest.mark.parametrize(
    ("certificate", "grade"),
    [
        (shown(HOST), Grade.WELL),
        (shown("*.xa.example"), Grade.WELL),
        (shown("*.example"), Grade.PROBLEM),
        (shown(), Grade.PROBLEM),
        (shown("loa.other.example"), Grade.PROBLEM),
        (shown(HOST, days=0), Grade.PROBLEM),
        (shown(HOST, days=13), Grade.WARNING),
        (shown(HOST, is_ours=True), Grade.WARNING),
    ],
)
def test_a_certificate_is_judged_as_browsers_will(certificate: Shown, grade: Grade) -> None:
    assert judge_certificate(HOST, certificate, NOW).grade is grade


@pytest.mark.parametrize(
    ("host", "addresses", "own", "grade"),
    [
        (HOST, {"203.0.113.5"}, {"203.0.113.5"}, Grade.WELL),
        (HOST, {"203.0.113.5", "2001:db8::1"}, {"2001:db8::1"}, Grade.WELL),
        (HOST, {"203.0.113.5"}, set(), Grade.WARNING),
        (HOST, set(), set(), Grade.WARNING),
    ],
)
def test_a_name_that_leads_elsewhere_is_a_warning(
    host: str, addresses: set[str], own: set[str], grade: Grade
) -> None:
    assert judge_place(host, frozenset(addresses), frozenset(own)).grade is grade


def test_nodes_that_may_not_know_the_address_are_named() -> None:
    assert judge_nodes([]).grade is Grade.WELL
    look = judge_nodes(["cum-01", "cum-02"])
    assert (look.grade, "cum-01, cum-02" in look.said) == (Grade.WARNING, True)


@pytest.fixture
def installed(tmp_path: Path, sqlite_template: Path) -> Settings:
    """With a supplied certificate for the name, as far as there is anything to see."""
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    folder.make_key()
    (folder.path / "loa.db").write_bytes(sqlite_template.read_bytes())
    folder.make_authority(datetime.now(UTC))
    supplied = Authority.make(datetime.now(UTC)).make_server(["localhost"], datetime.now(UTC))
    write_private(tmp_path / "web.pem", supplied.key + supplied.leaf.pem)
    return Settings(
        data_dir=folder.path,
        http_tls=HttpTls.FILES,
        http_certificate=tmp_path / "web.pem",
        http_key=tmp_path / "web.pem",
        public_url="https://localhost",
        database_url=None,
    )


def faults(settings: Settings) -> list[str]:
    return [look.said for look in look_at(settings) if look.grade is Grade.PROBLEM]


def test_what_is_well_has_no_fault_and_each_fault_is_told(installed: Settings) -> None:
    assert faults(installed) == []
    assert "is an address" in next(look_at(installed)).said
    DataFolder(installed.data_dir).authority.chmod(0o644)
    assert "can read" in faults(installed)[0]
    moved = installed.model_copy(update={"public_url": "https://no-such-name.example"})
    assert "not for no-such-name.example" in faults(moved)[0]
    gone = installed.model_copy(update={"http_certificate": Path("/no/such/file")})
    assert "There is no file" in faults(gone)[0]
