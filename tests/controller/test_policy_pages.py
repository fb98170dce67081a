"""The form of a policy: what it says is what the policy becomes, and the effect is said in words."""

from datetime import UTC, datetime

import pytest

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE
from loa.controller.web.policy_form import ALONE, Typed, typed_of, version_of, with_version
from loa.controller.web.policy_words import say_changes, say_rules
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import OwnApproval
from loa.schedules.policy import default_policy
from tests.controller.site import Site

TZ = "Asia/Ho_Chi_Minh"
PRESENT = default_policy().versions[0]


def typed() -> Typed:
    """The present rules, from a day on."""
    made = typed_of(PRESENT)
    for rows in (made.hours, made.minutes, made.caps):
        del rows[-1]
    made.day = "2030-01-01"
    return made


def test_a_form_that_nobody_changed_says_the_same_rules() -> None:
    version, errors = version_of(typed(), TZ)
    assert errors == {}
    assert version is not None
    assert (version.hours, version.caps, version.minutes) == (PRESENT.hours, PRESENT.caps, PRESENT.minutes)
    assert version.effective_from == datetime(2029, 12, 31, 17, tzinfo=UTC)
    assert say_changes(PRESENT, version) == ()


def test_hours_of_some_weekdays_keep_them() -> None:
    weekend = PRESENT.hours[0].model_copy(update={"days": frozenset({"sa", "su"})})
    rows = typed_of(PRESENT.model_copy(update={"hours": (weekend,)}))
    for found in (rows.hours, rows.minutes, rows.caps):
        del found[-1]
    rows.day = "2030-01-01"
    version, errors = version_of(rows, TZ)
    assert errors == {}
    assert version is not None
    assert version.hours == (weekend,)


def test_the_effect_of_a_change_is_said_in_words() -> None:
    form = typed()
    form.hours[0]["from"] = "5h30"
    form.minutes.append({"classes": {"normal"}, "amount": "60", "source": "Quyết định 12"})
    version, errors = version_of(form, TZ)
    assert errors == {}
    assert version is not None
    assert [(one.comes, one.text) for one in say_changes(PRESENT, version)] == [
        (False, "Thông thường, Ưu tiên được phát từ 05:00 đến 22:00"),
        (True, "Thông thường, Ưu tiên được phát từ 05:30 đến 22:00"),
        (True, "Thông thường phát nhiều nhất 60 phút mỗi ngày"),
    ]


def test_a_class_without_hours_is_said_to_have_none() -> None:
    form = typed()
    form.hours[0]["classes"] = {BroadcastClass.PRIORITY.value}
    version, _ = version_of(form, TZ)
    assert version is not None
    assert "Thông thường không được phát giờ nào" in [rule.text for rule in say_rules(version)]


def test_who_approves_is_a_rule_with_its_source() -> None:
    form = typed()
    form.own, form.own_source = ALONE, "Quy chế 12, Điều 6"
    version, errors = version_of(form, TZ)
    assert errors == {}
    assert version is not None
    assert version.own_approval == OwnApproval(allowed=True, legal_source="Quy chế 12, Điều 6")
    assert (typed_of(version).own, typed_of(version).own_source) == (form.own, form.own_source)
    assert [(one.comes, one.text) for one in say_changes(PRESENT, version)] == [
        (False, "Người soạn không tự duyệt, người khác phải duyệt"),
        (True, "Người có quyền duyệt được duyệt cả bản mình soạn"),
    ]
    form.own_source = ""
    assert list(version_of(form, TZ)[1]) == ["own_source"]
    form.own, form.own_source = "", "Quy chế 9"
    version, _ = version_of(form, TZ)
    assert version is not None
    assert version.own_approval == OwnApproval(allowed=False, legal_source="Quy chế 9")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": "25:00"}, "hours-0-source"),
        ({"to": "05:00", "from": "05:00"}, "hours-0-source"),
        ({"source": ""}, "hours-0-source"),
        ({"classes": {"nobody"}}, "hours-0-source"),
    ],
)
def test_a_line_that_cannot_be_is_named(change: dict[str, object], field: str) -> None:
    form = typed()
    form.hours[0] |= change
    version, errors = version_of(form, TZ)
    assert version is None
    assert list(errors) == [field]


def test_a_version_of_the_same_instant_takes_the_place_of_the_one_before() -> None:
    version, _ = version_of(typed(), TZ)
    assert version is not None
    twice = with_version(with_version(default_policy(), version), version)
    assert [one.effective_from for one in twice.versions] == [PRESENT.effective_from, version.effective_from]


def test_the_audit_is_found_by_person_act_area_time_and_words(site: Site) -> None:
    client = site.user("quan", (COMMUNE, Role.ADMIN))
    client.ask("PATCH", f"/areas/{COMMUNE}", {"name": "Xã Lãng Công Mới"})

    def acts(query: str) -> list[str]:
        return [one["act"] for one in client.get(f"/audit?{query}").json()["items"]]

    assert acts("user=quan") == ["area.changed"]
    assert set(acts("act=area")) == {"area.added", "area.changed"}
    assert acts(f"area={COMMUNE}&act=area.c") == ["area.changed"]
    assert acts("text=c%C3%B4ng%20m%E1%BB%9Bi") == ["area.changed"]
    assert acts("since=2100-01-01T00:00:00Z") == []
    assert acts("until=2000-01-01T00:00:00Z") == []
