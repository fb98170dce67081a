"""Hours, caps, local time and audiences."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from loa.protocol.ids import AreaId, NodeId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import AllowedHours, Policy, VolumeCap
from loa.protocol.reasons import Reason
from loa.protocol.units import GainDb
from loa.schedules.audiences import AudienceSet, audience_sets
from loa.schedules.errors import BadItemError
from loa.schedules.localtime import at_wall, broadcast_day, to_wall
from loa.schedules.model import Reorder, Segment
from loa.schedules.policy import allowed_until, default_policy, next_change, open_policy, volume_cap
from loa.schedules.timeline import lay_out
from tests.schedules.make import ORDINARY, TZ, at, item, policy, silence, version

NORMAL, EMERGENCY = BroadcastClass.NORMAL, BroadcastClass.EMERGENCY


def until(given: Policy, wall: str, class_: BroadcastClass = NORMAL) -> str | None:
    found = allowed_until(given, class_, at(wall), TZ)
    return None if found is None else f"{to_wall(found, TZ):%d %H:%M}"


@pytest.mark.parametrize(
    ("windows", "wall", "expected"),
    [
        ([("05:00", "22:00")], "04:59", None),
        ([("05:00", "22:00")], "05:00", "10 22:00"),
        ([("05:00", "22:00")], "22:00", None),
        ([("20:00", "01:00")], "00:30", "10 01:00"),
        ([("20:00", "01:00")], "23:00", "11 01:00"),
        ([("05:00", "11:00"), ("11:00", "22:00")], "10:00", "10 22:00"),
        ([("05:00", "12:00"), ("11:00", "22:00")], "10:00", "10 22:00"),
        ([("05:00", "24:00"), ("00:00", "01:00")], "23:40", "11 01:00"),
        ([("05:00", "00:00")], "23:40", "11 00:00"),
        ([], "12:00", None),
    ],
)
def test_windows_wrap_merge_and_end(windows: list[tuple[str, str]], wall: str, expected: str | None) -> None:
    assert until(policy(version(*windows)), wall) == expected


def test_hours_that_never_close_are_open_for_days() -> None:
    found = allowed_until(open_policy("demonstration"), NORMAL, at("12:00"), TZ)
    assert found is not None
    assert found >= at("12:00") + timedelta(days=5)


def test_a_window_of_some_days_begins_on_these_only() -> None:
    window = AllowedHours(
        classes=ORDINARY,
        from_local="20:00",
        to_local="01:00",
        days=frozenset({"we"}),
        legal_source="Wednesdays",
    )
    only = Policy(versions=(version().model_copy(update={"hours": (window,)}),))
    assert date(2026, 6, 10).weekday() == 2
    assert [until(only, wall) for wall in ("00:30", "20:00", "+00:30", "+20:00")] == [
        None,
        "11 01:00",
        "11 01:00",
        None,
    ]


def test_a_decision_uses_the_version_in_force_and_none_to_come() -> None:
    changing = policy(version(("05:00", "22:00")), version(since=at("10:00")))
    assert until(changing, "09:59") == "10 22:00"
    assert until(changing, "10:00") is None


def test_before_the_first_version_only_emergencies_sound() -> None:
    late = policy(version(("00:00", "24:00"), since=at("10:00")))
    assert until(late, "09:59") is None
    assert until(late, "09:59", EMERGENCY) is not None


def test_the_default_is_quiet_at_night_and_lowered_by_the_noise_rule() -> None:
    given = default_policy()
    assert [until(given, wall) for wall in ("04:30", "05:00", "21:59", "22:00")] == [
        None,
        "10 22:00",
        "10 22:00",
        None,
    ]
    assert [volume_cap(given, NORMAL, at(wall), TZ).cap_db for wall in ("05:30", "06:00", "21:00")] == [
        -15.0,
        0.0,
        -15.0,
    ]
    night = volume_cap(given, EMERGENCY, at("03:15"), TZ)
    assert night.cap_db < 0
    assert "QCVN 26:2010" in (volume_cap(given, NORMAL, at("05:30"), TZ).legal_source or "")


def test_of_several_caps_the_lowest_holds() -> None:
    caps = tuple(
        VolumeCap(
            classes=ORDINARY, from_local="00:00", to_local="24:00", cap_db=GainDb(db), legal_source=str(db)
        )
        for db in (-3.0, -9.0, -6.0)
    )
    given = Policy(versions=(version().model_copy(update={"caps": caps}),))
    assert volume_cap(given, NORMAL, at("12:00"), TZ).legal_source == "-9.0"
    assert volume_cap(given, EMERGENCY, at("12:00"), TZ).legal_source is None


def test_the_next_change_is_an_edge_of_hours_caps_or_versions() -> None:
    given = default_policy()
    walls = [next_change(given, NORMAL, at(wall), TZ) for wall in ("04:00", "05:00", "06:00", "21:00")]
    assert walls == [at("05:00"), at("06:00"), at("21:00"), at("22:00")]
    changing = Policy(versions=(*given.versions, version(since=at("12:34"))))
    assert next_change(changing, NORMAL, at("12:00"), TZ) == at("12:34")


@pytest.mark.parametrize(
    "facts",
    [
        {"from_local": "25:00"},
        {"from_local": "5:00"},
        {"to_local": "24:01"},
        {"from_local": "24:00", "to_local": "05:00"},
        {"from_local": "05:00", "to_local": "05:00"},
        {"classes": []},
        {"legal_source": ""},
        {"days": ["monday"]},
        {"cap_db": 1.0},
    ],
)
def test_a_line_that_cannot_be_is_refused(facts: dict[str, object]) -> None:
    good = {
        "classes": ["normal"],
        "from_local": "05:00",
        "to_local": "22:00",
        "legal_source": "x",
        "cap_db": -1,
    }
    VolumeCap.model_validate(good)
    with pytest.raises(ValidationError):
        VolumeCap.model_validate({**good, **facts})


def test_versions_out_of_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="in order of time"):
        policy(version(since=at("10:00")), version(since=at("09:00")))


def test_a_policy_keeps_its_bytes_over_the_wire() -> None:
    given = default_policy()
    wire = given.model_dump_json()
    assert Policy.model_validate_json(wire) == given
    assert Policy.model_validate_json(wire).model_dump_json() == wire
    assert '"classes":["normal","priority"]' in wire


def test_a_broadcast_day_begins_at_three() -> None:
    assert broadcast_day(at("02:59"), TZ)[1] == at("03:00")
    assert broadcast_day(at("03:00"), TZ) == (at("03:00"), at("+03:00"))


def test_a_day_of_changing_clocks_has_its_length() -> None:
    noon = datetime(2026, 10, 25, 12, tzinfo=UTC)
    begin, end = broadcast_day(noon - timedelta(days=1), "Europe/Berlin")
    assert end - begin == timedelta(hours=25)
    assert at_wall(date(2026, 10, 25), 24 * 60, "Europe/Berlin") == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_a_silence_that_is_learnt_when_it_is_over_does_nothing() -> None:
    n = item("n", "10:00", 10)
    late = silence("09:00", "09:30", known="10:05")
    assert lay_out([n], [], [late], policy(), TZ).outcomes[n.id].reason is Reason.COMPLETE


def test_a_silence_learnt_late_spares_what_was_approved_after_it() -> None:
    e = item("e", "10:05", 10, approved="10:05", issued="10:05")
    late = silence("10:00", "11:00", known="10:08")
    assert lay_out([e], [], [late], policy(), TZ).segments == (Segment(at("10:05"), at("10:15"), e.id, 0),)


def test_on_a_tie_of_approval_and_silence_the_silence_wins() -> None:
    e = item("e", "10:00", 10, approved="10:00", issued="10:00")
    stop = silence("10:00", "11:00")
    assert lay_out([e], [], [stop], policy(), TZ).outcomes[e.id].reason is Reason.SILENCED


def test_a_lower_authority_cannot_silence_an_emergency() -> None:
    e = item("e", "10:00", 10, authority=2)
    for authority, reason in ((1, Reason.COMPLETE), (2, Reason.SILENCED)):
        stop = silence("10:05", "11:00", authority=authority)
        assert lay_out([e], [], [stop], policy(), TZ).outcomes[e.id].reason is reason


def test_a_new_order_counts_for_those_who_wait_already() -> None:
    n, p1, p2 = item("n", "10:00", 20), item("p1", "10:05", 5), item("p2", "10:06", 5)
    reorder = Reorder(target=p2.id, order=-1, issued_at=at("10:10"))
    timeline = lay_out([n, p1, p2], [], [], policy(), TZ, reorders=[reorder])
    assert [segment.item_id for segment in timeline.segments] == [n.id, p2.id, p1.id]


def test_an_item_without_a_duration_is_an_error() -> None:
    with pytest.raises(BadItemError, match="positive"):
        lay_out([item("n", "10:00", 0)], [], [], policy(), TZ)


def test_nodes_that_hear_the_same_are_one_set() -> None:
    commune, village, market = AreaId("commune"), AreaId("village"), AreaId("market")
    nodes = {
        NodeId("n3"): frozenset({commune}),
        NodeId("n1"): frozenset({commune, village}),
        NodeId("n2"): frozenset({commune, village, market}),
        NodeId("n4"): frozenset({AreaId("elsewhere")}),
    }
    assert audience_sets(nodes, {"a": [commune], "b": [village, market], "c": [market, AreaId("n3")]}) == [
        AudienceSet((NodeId("n1"),), frozenset("ab")),
        AudienceSet((NodeId("n2"),), frozenset("abc")),
        AudienceSet((NodeId("n3"),), frozenset("a")),
        AudienceSet((NodeId("n4"),), frozenset()),
    ]


def test_the_reason_of_a_refusal_carries_its_legal_source() -> None:
    n = item("n", "21:45", 30, whole=False)
    assert lay_out([n], [], [], policy(), TZ).outcomes[n.id].legal_source == "quiet of the test"
