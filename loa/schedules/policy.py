"""Questions to a policy: what may sound, until when, how loud; and the two policies that Loa brings along."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import AllowedHours, Policy, PolicyVersion, VolumeCap
from loa.protocol.units import GainDb, from_ms, to_ms
from loa.protocol.when import DEFAULT_TZ
from loa.schedules import localtime
from loa.schedules.hours import AHEAD_DAYS, Calendar, spans

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""From when on the policies that Loa brings along hold: before any broadcast."""
NO_POLICY = PolicyVersion(
    effective_from=datetime(1970, 1, 1, tzinfo=UTC), quiet_source="No policy is in force yet.", hours=()
)


@dataclass(frozen=True, slots=True)
class Cap:
    """An attenuation in dB, never above 0, and the rule that it comes from; None where nothing caps."""

    cap_db: GainDb
    legal_source: str | None


def default_policy() -> Policy:
    """Quiet from 22:00 to 05:00; at night by QCVN 26:2010/BTNMT, 21:00 to 06:00, lowered by 15 dB.

    The 15 dB are the 70 dBA of the day less the 55 dBA of the night in ordinary areas.
    """
    night = {"from_local": "21:00", "to_local": "06:00"}
    version = PolicyVersion(
        effective_from=BEGINNING,
        quiet_source=_QUIET_SOURCE,
        hours=(_allowed(_ORDINARY, "05:00", "22:00", _QUIET_SOURCE),),
        caps=(
            VolumeCap(classes=_ORDINARY, **night, cap_db=GainDb(-15.0), legal_source=_NOISE_SOURCE),
            VolumeCap(classes=_EMERGENCY, **night, cap_db=GainDb(-6.0), legal_source=_EMERGENCY_SOURCE),
        ),
    )
    return Policy(versions=(version,))


def open_policy(reason: str) -> Policy:
    """Everything at any hour and volume, for demonstrations; `reason` stands as the legal source."""
    hours = (_allowed(_ORDINARY, "00:00", "24:00", reason),)
    return Policy(versions=(PolicyVersion(effective_from=BEGINNING, quiet_source=reason, hours=hours),))


def version_at(policy: Policy, at: datetime) -> PolicyVersion:
    """The version in force at an instant; NO_POLICY before the first."""
    past = [version for version in policy.versions if version.effective_from <= at]
    return past[-1] if past else NO_POLICY


def calendar(version: PolicyVersion, class_: BroadcastClass, tz: str = DEFAULT_TZ) -> Calendar:
    """The hours of a class other than emergency by one version."""
    return Calendar([window for window in version.hours if class_ in window.classes], tz)


def allowed_until(
    policy: Policy, class_: BroadcastClass, at: datetime, tz: str = DEFAULT_TZ
) -> datetime | None:
    """Until when a class that sounds at `at` may go on, by the version in force then; None: it may not.

    Later versions do not count: a decision uses only what holds when it is taken. Hours that do not
    close within 8 days, and those of emergencies, are answered with an instant at least 5 days ahead.
    """
    if class_ is BroadcastClass.EMERGENCY:
        return from_ms(to_ms(at) + AHEAD_DAYS * 86_400_000)
    is_open, until_ms = calendar(version_at(policy, at), class_, tz).state(to_ms(at))
    return from_ms(until_ms) if is_open else None


def volume_cap(policy: Policy, class_: BroadcastClass, at: datetime, tz: str = DEFAULT_TZ) -> Cap:
    """The lowest cap on a class at an instant; it attenuates and never refuses."""
    day, at_ms = localtime.local_date(at, tz), to_ms(at)
    holding = [
        cap
        for cap in version_at(policy, at).caps
        if class_ in cap.classes and any(a <= at_ms < b for a, b in spans([cap], day, 1, tz))
    ]
    if not holding:
        return Cap(GainDb(0.0), None)
    lowest = min(holding, key=lambda cap: (cap.cap_db, cap.legal_source))
    return Cap(lowest.cap_db, lowest.legal_source)


def next_change(policy: Policy, class_: BroadcastClass, at: datetime, tz: str = DEFAULT_TZ) -> datetime:
    """The next instant after `at` at which hours or cap of a class may change; at most 8 days ahead."""
    horizon_ms = to_ms(at) + (AHEAD_DAYS - 1) * 86_400_000
    return from_ms(min(edge for edge in (*_edges(policy, class_, at, tz), horizon_ms) if edge > to_ms(at)))


def _edges(policy: Policy, class_: BroadcastClass, at: datetime, tz: str) -> Iterator[int]:
    version, day = version_at(policy, at), localtime.local_date(at, tz)
    yield from (to_ms(later.effective_from) for later in policy.versions)
    windows: tuple[AllowedHours | VolumeCap, ...] = (*version.hours, *version.caps)
    for window in windows:
        if class_ in window.classes:
            for span in spans((window,), day, AHEAD_DAYS, tz):
                yield from span


def _allowed(classes: frozenset[BroadcastClass], begin: str, end: str, source: str) -> AllowedHours:
    return AllowedHours(classes=classes, from_local=begin, to_local=end, legal_source=source)


_EMERGENCY = frozenset({BroadcastClass.EMERGENCY})
_ORDINARY = frozenset({BroadcastClass.PRIORITY, BroadcastClass.NORMAL})
_QUIET_SOURCE = "Mặc định của Loa: yên tĩnh từ 22:00 đến 05:00. Xã tự đặt giờ theo Nghị định 49/2024/NĐ-CP"
_NOISE_SOURCE = "QCVN 26:2010/BTNMT: khu vực thông thường 70 dBA từ 6 đến 21 giờ, 55 dBA từ 21 đến 6 giờ"
_EMERGENCY_SOURCE = "Mặc định của Loa cho tin khẩn cấp ban đêm, căn cứ QCVN 26:2010/BTNMT. Xã có thể đặt khác"
