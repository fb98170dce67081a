"""What a new policy takes from what is approved: by the very timeline, told with when, where and a way."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.core.access import Person, Role
from loa.controller.core.policy_effect import changes_from
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import Forbidden, NotFound
from loa.controller.services.areas import AreaChange
from loa.controller.services.policy_effects import Effect, PolicyEffects
from loa.controller.store.database import Database
from loa.protocol.ids import AreaId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import AllowedHours, DailyMinutes, Policy, PolicyVersion, VolumeCap
from loa.protocol.units import GainDb
from loa.schedules.policy import default_policy
from tests.controller.air import Times, place, silence, withdraw
from tests.controller.factories import PROVINCE, Town
from tests.controller.policies import ORDINARY
from tests.controller.site import Client, Site
from tests.fakes.controller import START

SOURCE = "Quyết định 12"
DAY = timedelta(days=1)
FROM = START + 2 * DAY
"""08:00 of a Wednesday; what `place` approves starts at 09:00 of the Monday before."""
DAILY = Times(rrule="FREQ=DAILY")


def later(begin: str = "05:00", *, minutes: int = 0, cap_db: float = 0.0) -> PolicyVersion:
    """From `FROM` on: these hours, so many minutes a day, and so much softer all day."""
    return PolicyVersion(
        effective_from=FROM,
        quiet_source=SOURCE,
        hours=(AllowedHours(classes=ORDINARY, from_local=begin, to_local="22:00", legal_source=SOURCE),),
        minutes=(DailyMinutes(classes=ORDINARY, minutes=minutes, legal_source=SOURCE),) if minutes else (),
        caps=(
            VolumeCap(
                classes=ORDINARY,
                from_local="00:00",
                to_local="24:00",
                cap_db=GainDb(cap_db),
                legal_source="Quyết định 13",
            ),
        )
        if cap_db
        else (),
    )


def starting(at: datetime, begin: str = "05:00") -> PolicyVersion:
    return later(begin).model_copy(update={"effective_from": at})


def policy(version: PolicyVersion) -> Policy:
    return Policy(versions=(*default_policy().versions, version))


class Office:
    """Who keeps the commune's areas, and what a policy of it would do."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.town = Town(db).build()
        for number in (1, 2):
            self.town.node(f"cum-{number}", VILLAGES[number - 1])
        self.journal = FileSilenceJournal(folder / "silences")
        self.quan = self.town.user("quan", (COMMUNE, Role.ADMIN))
        self.effects = PolicyEffects(clock=self.town.clock, journal=self.journal)

    def foresee(self, version: PolicyVersion, who: Person | None = None) -> Effect:
        with self.town.db.look() as session:
            return self.effects.foresee(session, who or self.quan, COMMUNE, policy(version))


@pytest.fixture
def office(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    made = Office(sqlite_db, tmp_path)
    yield made
    made.journal.close()


def told(effect: Effect) -> list[tuple[str, str | None, datetime, int, list[str]]]:
    return [
        (one.broadcast.title, one.reason, one.first_at, one.occurrences, sorted(one.nodes))
        for one in effect.silenced
    ]


def test_what_lies_outside_the_new_hours_is_told_once_with_all_its_occurrences(office: Office) -> None:
    place(office.town, COMMUNE, title="Sớm", times=DAILY)
    place(office.town, COMMUNE, title="Trưa", times=Times(starts_in=timedelta(hours=3), rrule="FREQ=DAILY"))
    place(office.town, COMMUNE, title="Trước đó")
    effect = office.foresee(later("10:00"))
    first = FROM + timedelta(hours=1)
    assert told(effect) == [("Sớm", "quiet_hours", first, 35, ["cum-1", "cum-2"])]
    assert effect.silenced[0].legal_source == SOURCE
    assert effect.silenced[0].whole
    assert (effect.from_at, effect.nodes, effect.left_out) == (FROM, 2, 0)


def test_what_only_comes_months_later_is_told_too(office: Office) -> None:
    place(office.town, VILLAGES[0], title="Khai giảng", times=Times(starts_in=200 * DAY))
    assert told(office.foresee(later("10:00"))) == [
        ("Khai giảng", "quiet_hours", START + 200 * DAY, 1, ["cum-1"])
    ]


def test_minutes_that_are_used_up_and_a_cap_that_nobody_hears_through(office: Office) -> None:
    length = 8 * 60_000
    place(office.town, COMMUNE, title="Một", times=Times(rrule="FREQ=DAILY", duration_ms=length))
    two = Times(starts_in=timedelta(hours=4), rrule="FREQ=DAILY", duration_ms=length)
    place(office.town, COMMUNE, title="Hai", times=two)
    [found] = told(office.foresee(later(minutes=10)))
    assert found[:2] == ("Hai", "minutes_used_up")
    assert told(office.foresee(later(cap_db=-39))) == []
    effect = office.foresee(later(cap_db=-40))
    assert [(name, reason) for name, reason, *_ in told(effect)] == [("Một", None), ("Hai", None)]
    assert effect.silenced[0].legal_source == "Quyết định 13"


def test_what_sounds_when_the_hours_close_is_told_as_cut_short(office: Office) -> None:
    place(
        office.town,
        COMMUNE,
        title="Dài",
        times=Times(starts_in=2 * DAY - timedelta(minutes=5), duration_ms=600_000),
    )
    [one] = office.foresee(later("10:00")).silenced
    assert not one.whole
    assert one.first_at == FROM - timedelta(minutes=5)


def test_what_would_not_sound_anyway_is_not_told(office: Office) -> None:
    gone = place(office.town, COMMUNE, title="Đã rút", times=DAILY)
    withdraw(office.town, gone.id)
    place(office.town, COMMUNE, title="Đêm", times=Times(starts_in=timedelta(hours=15), rrule="FREQ=DAILY"))
    place(office.town, COMMUNE, title="Khẩn", class_=BroadcastClass.EMERGENCY, times=Times(starts_in=3 * DAY))
    place(office.town, COMMUNE, title="Bị dừng", times=Times(starts_in=3 * DAY))
    silence(office.journal, START + DAY, COMMUNE, minutes=7 * 24 * 60)
    assert told(office.foresee(later("10:00"))) == []


def test_nodes_with_a_nearer_policy_are_not_concerned(office: Office) -> None:
    place(office.town, COMMUNE, times=DAILY)
    with office.town.db.work() as work:
        change = AreaChange(policy=default_policy())
        office.town.areas.change(work, office.quan, AreaId(VILLAGES[0]), change)
    effect = office.foresee(later("10:00"))
    assert effect.nodes == 1
    assert effect.silenced[0].nodes == {"cum-2"}


def test_only_who_may_set_the_policy_sees_its_effect(office: Office) -> None:
    place(office.town, COMMUNE, times=DAILY)
    with pytest.raises(Forbidden):
        office.foresee(later(), office.town.user("mai", (COMMUNE, Role.OFFICIAL)))
    with pytest.raises(NotFound):
        office.foresee(later(), office.town.user("xa", (VILLAGES[0], Role.ADMIN)))


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        (policy(later()), policy(later()), None),
        (default_policy(), policy(later()), FROM),
        (policy(later()), default_policy(), FROM),
        (policy(later()), policy(later("06:00")), FROM),
        (
            default_policy(),
            Policy(versions=(starting(START - DAY),)),
            START,
        ),
    ],
    ids=["the same", "one comes", "one goes", "one is another", "at once"],
)
def test_from_when_on_policies_differ(old: Policy, new: Policy, at: datetime | None) -> None:
    assert changes_from(old, new, START) == at


def test_the_form_lists_them_with_a_way_to_each_and_the_api_tells_the_same(site: Site) -> None:
    site.node("cum-1")
    parts = site.controller
    when = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) + 3 * DAY
    times = Times(starts_in=when - parts.clock.now(), rrule="FREQ=DAILY")
    entry = place(parts, COMMUNE, title="Tin buổi sáng", times=times)
    keeper = site.user("quan", (COMMUNE, Role.ADMIN))
    day = when + timedelta(hours=7)
    form = {
        "day": f"{day:%Y-%m-%d}",
        "clock": "00:00",
        "quiet_source": SOURCE,
        "hours-0-class": "normal",
        "hours-0-from": "10:00",
        "hours-0-to": "21:00",
        "hours-0-source": SOURCE,
    }
    browser = Client(site.app, keeper.headers, base="https://loa.test")
    page = browser.send(f"/admin/policies/{COMMUNE}/new", form)
    assert page.status_code == 200
    effect = page.text.partition('id="effect"')[2]
    assert "1 lịch đã duyệt sẽ không vang lên như đã duyệt" in effect
    assert re.search(r'<a href="/bulletins/b1"><b>Tin buổi sáng</b></a>', effect)
    assert re.search(r"<span>09:00 [^<]+ và 34 lượt nữa</span>", effect)
    assert "Ở 1 cụm loa: cum-1" in effect
    assert f"Giờ yên tĩnh. Căn cứ: {SOURCE}" in effect
    assert browser.get("/bulletins/b1").status_code == 200
    [base] = default_policy().versions
    wanted = Policy(versions=(base, starting(when - timedelta(hours=2), "10:00")))
    answer = keeper.post(f"/areas/{COMMUNE}/policy/effect", {"policy": wanted.model_dump(mode="json")})
    [one] = answer.json()["silenced"]
    assert (one["broadcast"], one["reason"], one["nodes"]) == (entry.id, "quiet_hours", ["cum-1"])


def test_who_may_not_read_the_bulletin_is_led_to_the_day_in_the_schedule(site: Site) -> None:
    site.node("cum-1")
    parts = site.controller
    when = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) + 3 * DAY
    entry = place(parts, PROVINCE, title="Tin của tỉnh", times=Times(starts_in=when - parts.clock.now()))
    assert entry.broadcast.issuer == PROVINCE
    keeper = site.user("quan", (COMMUNE, Role.ADMIN))
    browser = Client(site.app, keeper.headers, base="https://loa.test")
    form = {"day": f"{when:%Y-%m-%d}", "clock": "00:00", "quiet_source": SOURCE}
    page = browser.send(f"/admin/policies/{COMMUNE}/new", form).text
    href = re.search(r'<a href="([^"]+)"><b>Tin của tỉnh</b></a>', page)
    assert href is not None
    assert href[1] == f"/schedule?view=day&amp;day={when:%Y-%m-%d}&amp;area=cum-1"
    assert "Tin của tỉnh" in browser.get(href[1].replace("&amp;", "&")).text
