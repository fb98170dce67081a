"""Lines of the broadcast log as they stand in the database, without nodes that report them."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.store.database import Database
from loa.controller.store.tables import LogRow
from loa.protocol.reports import Evidence, Levels, Sensed
from loa.protocol.units import to_ms

ABOVE = ("vinh-phuc", "song-lo", COMMUNE)


def log_line(planned_at: datetime, node: str = "cum-1", outcome: str = "complete", **facts: Any) -> LogRow:  # noqa: ANN401 -- whatever a line has
    """A line of a node in the first village, played to its end unless told otherwise."""
    area = facts.pop("area_id", VILLAGES[0])
    above = facts.pop("above", ABOVE)
    broadcast = facts.pop("broadcast_id", "a" * 64)
    given: dict[str, Any] = {
        "title": "Lịch tiêm phòng",
        "field": "health",
        "class_": "normal",
        "duration_ms": 480_000,
        "place": "Tỉnh Vĩnh Phúc / Huyện Sông Lô / Xã Lãng Công / Thôn Tam Đa",
    }
    if outcome == "complete":
        given |= {
            "played_ms": 480_000,
            "late_ms": 100,
            "started_at": planned_at,
            "ended_at": planned_at + timedelta(minutes=8),
            "delivered_at": planned_at - timedelta(hours=1),
        }
    return LogRow(
        occurrence=f"{broadcast}@{to_ms(planned_at)}",
        broadcast_id=broadcast,
        node_id=node,
        area_id=area,
        path="/" + "/".join((*above, area)) + "/",
        planned_at=planned_at,
        outcome=outcome,
        **(given | facts),
    )


def ears(*, heard: int | None, judged: int = 8, with_levels: bool = True) -> dict[str, Any]:
    """What a line has whose output was right and whose microphone heard so many of the seconds."""
    full = Sensed(judged=judged, passed=judged, correlation=0.98, level_db=0)
    found = None
    if heard is not None:
        found = Sensed(judged=judged, passed=heard, correlation=0.9 if heard else 0.03, level_db=-20)
    evidence = Evidence(
        verified=True,
        rendered=True,
        rendered_by=full,
        heard=None if heard is None else heard == judged,
        heard_by=found,
        levels=_levels(heard, judged) if with_levels else None,
    )
    return {
        "rendered": True,
        "heard": evidence.heard,
        "evidence": evidence.model_dump_json(exclude_none=True),
    }


def _levels(heard: int | None, judged: int) -> Levels:
    """Of a voice with its pauses, and of a microphone that after so many seconds takes up the road alone."""
    voice = [-14 - round(8 + 8 * math.sin(number / 2)) for number in range(judged)]
    road = [-52 + number % 3 for number in range(judged)]
    taken_up = [level - 20 for level in voice[: heard or 0]] + road[heard or 0 :]
    return Levels(
        every_s=1,
        recorded=tuple(voice),
        rendered=tuple(voice),
        heard=None if heard is None else tuple(taken_up),
    )


def keep(db: Database, lines: Iterable[LogRow]) -> None:
    """Put them into the database."""
    with db.work() as work:
        work.session.add_all(list(lines))
