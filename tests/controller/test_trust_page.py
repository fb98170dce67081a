"""What keepers read and hear at /admin/trust before they sign."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.controller.core.access import Person, Role
from loa.controller.core.passkeys import PersonalKey
from loa.controller.core.sample import COMMUNE
from loa.controller.store.bulletins import add_recording
from loa.controller.store.passkeys import add_passkey
from loa.controller.store.standing_messages import set_standing
from loa.controller.store.tables import RecordingRow
from loa.protocol.base64url import from_base64url
from loa.protocol.charter import appoint
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import StandingMessage
from tests.controller.site import Client, Site, open_site
from tests.passkeys import SoftPasskey

ROOT = SigningKey.generate()
KIM = Person("kim", "Kim", frozenset())
SOFT = {"kim": SoftPasskey(), "lam": SoftPasskey()}
SIREN = RecordingId("5" * 64)


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A controller that knows a root key, with two keepers appointed by it."""
    monkeypatch.setenv("LOA_ROOT_KEY", ROOT.public.x)
    folder = tmp_path / "controller"
    folder.mkdir(mode=0o700)
    shutil.copy(sqlite_template, folder / "loa.db")
    made = open_site(folder)
    yield made
    for part in reversed(made.controller.parts):
        if part.name in {"journal of silences", "database"}:
            part.stop()


@pytest.fixture
def kim(site: Site) -> Client:
    """One of them, at the pages."""
    found = {user: site.user(user, (COMMUNE, Role.OFFICIAL)) for user in ("kim", "lam")}
    controller = site.controller
    now = controller.clock.now()
    with controller.db.work() as work:
        for number, user in enumerate(found):
            key = PersonalKey(
                id=f"{number:032x}", user_id=user, passkey=SOFT[user].public, name="Máy", created_at=now
            )
            add_passkey(work.session, key)
    with controller.db.look() as session:
        wanted = controller.papers.request(session, AreaId(COMMUNE), ("kim", "lam"))
    with controller.db.work() as work:
        controller.papers.take(work, "terminal", appoint(wanted, ROOT))
    found["kim"].base = "https://loa.test"
    return found["kim"]


def stands(site: Site, recording: RecordingId) -> None:
    now = site.controller.clock.now()
    row = RecordingRow(
        sha256=recording,
        duration_ms=1_000,
        size_bytes=9,
        loudness_lufs=-18.0,
        true_peak_dbtp=-2.0,
        origin="upload",
        warnings="[]",
        created_at=now,
        created_by="controller",
    )
    with site.controller.db.work() as work:
        add_recording(work.session, row, None)
        set_standing(work.session, StandingMessage.SIREN, recording, by="controller", at=now)


def sounds(client: Client) -> list[str]:
    return re.findall(r'<audio[^>]* src="/api/v1/recordings/(\w+)/content"', client.get("/admin/trust").text)


def test_a_keeper_hears_what_one_person_may_have_sounded_at_any_time(site: Site, kim: Client) -> None:
    stands(site, SIREN)
    assert sounds(kim) == [SIREN], "before anything is composed"
    with site.controller.db.work() as work:
        site.controller.papers.compose(work, KIM, AreaId(COMMUNE))
    assert sounds(kim) == [SIREN], "in the charter that waits for the signature"
    assert "Thêm bản thu sẵn còi báo động" in kim.get("/admin/trust").text


def test_what_has_been_replaced_meanwhile_is_not_offered_under_its_name(site: Site, kim: Client) -> None:
    stands(site, SIREN)
    with site.controller.db.work() as work:
        site.controller.papers.compose(work, KIM, AreaId(COMMUNE))
    other = RecordingId("6" * 64)
    stands(site, other)
    assert sounds(kim) == [other], "only as what is to be composed anew"
    assert SIREN[:8] in kim.get("/admin/trust").text


def test_a_class_that_sounds_on_the_servers_word_is_shown_before_and_after_it_is_signed(
    site: Site, kim: Client
) -> None:
    words = "Thông thường: phát theo lời máy chủ, vì chưa ai có khóa"
    papers, db = site.controller.papers, site.controller.db
    with db.work() as work:
        papers.compose(work, KIM, AreaId(COMMUNE))
    assert words in kim.get("/admin/trust").text
    with db.look() as session:
        [trust] = papers.find(session, KIM)
    for draft in trust.drafts:
        for user, soft in SOFT.items():
            assertion = soft.sign(from_base64url(draft.challenge), party=trust.appointment.party)
            with db.work() as work:
                papers.sign(work, Person(user, user, frozenset()), draft.id, assertion)
    shown = kim.get("/admin/trust").text
    assert "Có hiệu lực từ" in shown
    assert words in shown
