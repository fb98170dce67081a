"""Where areas are, in the database."""

import json
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session, col

from loa.controller.core.geometry import Outline, Position, as_geojson
from loa.controller.core.whereabouts import Contact, Whereabouts
from loa.controller.store.map_tables import WhereaboutsRow
from loa.protocol.ids import AreaId

_LARGE = frozenset({"outline", "before"})
_AT_ONCE = 10_000
"""Fewer than the parameters that a statement may have."""


def whereabouts_of(session: Session, area: AreaId) -> Whereabouts:
    """Of one area, its outline included."""
    row = session.get(WhereaboutsRow, area)
    return Whereabouts(area=area) if row is None else _as_whereabouts(row, outline_in(row.outline))


def all_whereabouts(session: Session, areas: Collection[AreaId]) -> dict[AreaId, Whereabouts]:
    """Of those of these areas of which something is known, without the outlines."""
    columns = [column for column in WhereaboutsRow.__table__.columns if column.name not in _LARGE]  # type: ignore[attr-defined]  # SQLModel's own
    found = {}
    for some in _pieces(sorted(areas)):
        for row in session.connection().execute(select(*columns).where(columns[0].in_(some))):
            found[AreaId(row.area_id)] = _as_whereabouts(row, None)
    return found


def outlined(session: Session, areas: Collection[AreaId]) -> frozenset[AreaId]:
    """Those of these areas that have an outline."""
    wanted = select(col(WhereaboutsRow.area_id)).where(col(WhereaboutsRow.outline).is_not(None))
    found = session.connection().execute(wanted).scalars()
    return frozenset(AreaId(area) for area in found) & frozenset(areas)


def outlines_of(session: Session, areas: Collection[AreaId]) -> dict[AreaId, Outline]:
    """The outlines of those of these areas that have one."""
    wanted = select(col(WhereaboutsRow.area_id), col(WhereaboutsRow.outline)).where(
        col(WhereaboutsRow.area_id).in_(areas), col(WhereaboutsRow.outline).is_not(None)
    )
    found = {AreaId(area): outline_in(text) for area, text in session.connection().execute(wanted)}
    return {area: outline for area, outline in found.items() if outline is not None}


def facts_before(session: Session, area: AreaId) -> Whereabouts | None:
    """What the last change replaced; None where nothing was changed yet."""
    row = session.get(WhereaboutsRow, area)
    if row is None or row.before is None:
        return None
    kept = json.loads(row.before)
    return Whereabouts(
        area=area,
        households=kept["households"],
        contact=Contact(*kept["contact"]) if kept["contact"] else None,
        outline=outline_in(kept["outline"]),
        position=Position(*kept["position"]) if kept["position"] else None,
        description=kept["description"],
    )


def store_whereabouts(session: Session, known: Whereabouts, *, before: Whereabouts) -> None:
    """Keep it in place of what was known before."""
    contact, position = known.contact, known.position
    row = WhereaboutsRow(
        area_id=known.area,
        revision=known.revision,
        households=known.households,
        contact_name=contact.name if contact else None,
        contact_phone=contact.phone if contact else None,
        latitude=position.lat if position else None,
        longitude=position.lon if position else None,
        description=known.description,
        outline=_written(known.outline),
        before=_facts(before),
        updated_by=known.updated_by,
        updated_at=known.updated_at,
    )
    session.merge(row)
    session.flush()


def outline_in(text: str | None) -> Outline | None:
    """As it is kept; it was checked when it came in."""
    if text is None:
        return None
    geometry = json.loads(text)
    polygons = geometry["coordinates"]
    polygons = [polygons] if geometry["type"] == "Polygon" else polygons
    return tuple(tuple(tuple((lon, lat) for lon, lat in ring) for ring in polygon) for polygon in polygons)


def _written(outline: Outline | None) -> str | None:
    return None if outline is None else json.dumps(as_geojson(outline), separators=(",", ":"))


def _facts(known: Whereabouts) -> str:
    contact, position = known.contact, known.position
    kept = {
        "households": known.households,
        "contact": [contact.name, contact.phone] if contact else None,
        "outline": _written(known.outline),
        "position": [position.lat, position.lon] if position else None,
        "description": known.description,
    }
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def _as_whereabouts(row: WhereaboutsRow | Row[Any], outline: Outline | None) -> Whereabouts:
    has_position = row.latitude is not None and row.longitude is not None
    return Whereabouts(
        area=AreaId(row.area_id),
        households=row.households,
        contact=Contact(row.contact_name, row.contact_phone or "") if row.contact_name else None,
        outline=outline,
        position=Position(row.latitude or 0.0, row.longitude or 0.0) if has_position else None,
        description=row.description,
        revision=row.revision,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
    )


def _pieces(areas: list[AreaId]) -> Iterable[list[AreaId]]:
    return (areas[at : at + _AT_ONCE] for at in range(0, len(areas), _AT_ONCE))
