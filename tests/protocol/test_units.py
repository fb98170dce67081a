from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from loa.protocol.ids import BroadcastId, broadcast_of, occurrence_id, start_of
from loa.protocol.units import format_instant, from_ms, to_ms

_INSTANTS_MS = st.integers(0, 4_102_444_800_000)


@given(_INSTANTS_MS)
def test_an_instant_of_whole_milliseconds_is_exact(at_ms: int) -> None:
    assert to_ms(from_ms(at_ms)) == at_ms
    assert datetime.fromisoformat(format_instant(from_ms(at_ms))) == from_ms(at_ms)


def test_an_instant_is_written_in_utc_with_three_decimals() -> None:
    hanoi = timezone(timedelta(hours=7))
    assert format_instant(datetime(2026, 6, 11, 5, 30, tzinfo=hanoi)) == "2026-06-10T22:30:00.000Z"


@given(_INSTANTS_MS)
def test_an_occurrence_names_its_broadcast_and_start(at_ms: int) -> None:
    broadcast = BroadcastId("0" * 64)
    occurrence = occurrence_id(broadcast, from_ms(at_ms))
    assert broadcast_of(occurrence) == broadcast
    assert start_of(occurrence) == from_ms(at_ms).astimezone(UTC)
