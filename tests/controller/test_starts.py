"""Starts and their repairs: whatever is offered instead of a refused time would be taken."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from loa.controller.core.broadcasts import Issuer, make_broadcast, over_at
from loa.controller.core.bulletins import Draft, Plan
from loa.controller.core.starts import (
    LONGEST,
    PAST_GRACE,
    Hours,
    allowed,
    allowed_after,
    allowed_before,
    find_starts,
)
from loa.protocol.broadcast import Broadcast, RecordingSource
from loa.protocol.ids import AreaId, RecordingId, sha256_hex
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import Policy
from loa.protocol.units import DurationMs, SizeBytes
from loa.protocol.when import When
from tests.controller.policies import hours

TZ = "Asia/Ho_Chi_Minh"
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
NORMAL = BroadcastClass.NORMAL
WALLS = [f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 20, 30)]

walls = st.sampled_from(WALLS)
policies = st.builds(
    lambda span: hours(*span), st.tuples(walls, walls).filter(lambda span: span[0] != span[1])
)
durations = st.integers(1_000, 3 * 3_600_000)
instants = st.integers(0, 3 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


@given(st.lists(policies, min_size=1, max_size=3), durations, instants)
def test_a_repaired_time_is_allowed_everywhere_and_on_its_side(
    every: list[Policy], duration_ms: int, at: datetime
) -> None:
    binding = [Hours(policy, TZ) for policy in every]
    after = allowed_after(binding, NORMAL, at, duration_ms)
    before = allowed_before(binding, NORMAL, at, duration_ms, not_before=NOW)
    for found in (after, before):
        assert found is None or all(allowed(one, NORMAL, found, duration_ms) is None for one in binding)
    assert after is None or after >= at
    assert before is None or NOW <= before <= at


@given(policies, durations, instants)
def test_no_whole_minute_between_a_refused_start_and_its_repair_would_do(
    policy: Policy, duration_ms: int, at: datetime
) -> None:
    one = Hours(policy, TZ)
    after = allowed_after([one], NORMAL, at, duration_ms)
    before = allowed_before([one], NORMAL, at, duration_ms, not_before=at - timedelta(days=1))
    first = at - timedelta(days=1) if before is None else before + timedelta(minutes=1)
    last = at + timedelta(days=1) if after is None else after
    minutes = int((last - first) / timedelta(minutes=1))
    between = [first + timedelta(minutes=step) for step in range(minutes)]
    taken = [minute for minute in between if allowed(one, NORMAL, minute, duration_ms) is None]
    assert [minute for minute in taken if minute != at] == []


rules = st.builds(
    "FREQ={};INTERVAL={}{}".format,
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    st.integers(1, 9),
    st.sampled_from(["", ";COUNT=1", ";COUNT=30", ";UNTIL=20261201", ";UNTIL=20301201"]),
)


@given(rules | st.none(), st.integers(-40, 400), st.none() | st.integers(1, 50))
def test_starts_are_bounded_and_none_is_past(rule: str | None, day: int, limit: int | None) -> None:
    wall = (NOW + timedelta(days=day, hours=7)).replace(tzinfo=None).isoformat(timespec="minutes")
    found = find_starts(When(start_local=wall, rrule=rule), NOW, limit=limit, expires_at=None)
    assert all(start >= NOW - PAST_GRACE for start in found.near)
    assert (found.last_at is None) == (not found.near)
    if found.last_at is not None:
        assert found.near[-1] <= found.last_at <= found.near[0] + LONGEST
    assert rule is None or not found.near or found.bounded_at == found.near[0] + LONGEST


titles = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=200)


@given(
    titles.filter(lambda title: title.strip()), st.integers(1, 86_400_000), st.sampled_from(BroadcastClass)
)
def test_an_approved_document_reads_back_to_the_same_digest(
    title: str, duration_ms: int, class_: BroadcastClass
) -> None:
    when = When(start_local="2026-11-23T10:00", rrule="FREQ=DAILY")
    found = find_starts(when, NOW, limit=None, expires_at=None)
    draft = Draft(area=AreaId("x"), title=title, class_=class_, plan=Plan(audience=(AreaId("x"),), when=when))
    source = RecordingSource(
        recording=RecordingId("a" * 64), duration_ms=DurationMs(duration_ms), size_bytes=SizeBytes(1)
    )
    made = make_broadcast(Issuer(draft, "b", 20, None), source, when, found, created_at=NOW)
    document = made.to_bytes()
    again = Broadcast.from_bytes(document)
    assert again == made
    assert again.to_bytes() == document
    assert again.id == made.id == sha256_hex(document)
    over = over_at(made, found)
    assert over is not None
    assert over > found.near[0]
