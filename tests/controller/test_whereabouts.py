"""Where areas are: outlines checked as they come in, set under their revision, imported from a file."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from loa.controller import commands, map_commands
from loa.controller.core.access import Role
from loa.controller.core.geometry import (
    MOST_POINTS,
    GeometryError,
    Outline,
    as_geojson,
    middle_of,
    read_outline,
    square_km,
    within,
)
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.sample_map import POSITIONS, sample_whereabouts
from loa.controller.core.whereabouts import Whereabouts
from loa.controller.errors import Invalid
from loa.controller.services.whereabouts import WhereaboutsKeeper
from loa.controller.store.database import Database
from loa.controller.store.tables import AreaRow
from loa.controller.store.whereabouts import all_whereabouts, outlined, outlines_of, whereabouts_of
from loa.protocol.ids import AreaId
from tests.controller.factories import Town
from tests.controller.site import Client, Site

SQUARE = {"type": "Polygon", "coordinates": [[[105, 21], [105.1, 21], [105.1, 21.1], [105, 21.1], [105, 21]]]}
_STEPS = ((0, 0), (10, 0), (10, 10), (8, 10), (8, 2), (2, 2), (2, 10), (0, 10), (0, 0))
HORSESHOE: Outline = ((tuple((float(x), float(y)) for x, y in _STEPS),),)


def ring(*points: tuple[float, float]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [points]}


def test_an_outline_comes_out_as_it_went_in() -> None:
    assert as_geojson(read_outline(SQUARE)) == json.loads(json.dumps(SQUARE))
    several = {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]] * 2}
    assert as_geojson(read_outline(several)) == several


@pytest.mark.parametrize(
    ("geometry", "told"),
    [
        (None, "GeoJSON object"),
        ({"type": "Point", "coordinates": [105, 21]}, "not 'Point'"),
        ({"type": "Polygon"}, "no list"),
        ({"type": "Polygon", "coordinates": []}, "no ring"),
        ({"type": "MultiPolygon", "coordinates": []}, "no polygon"),
        (ring((105, 21), (106, 21), (105, 21)), "4 or more"),
        (ring((105, 21), (106, 21), (106, 22), (105, 22)), "not closed"),
        (ring((105, 21), (106, 21), (107, 21), (105, 21)), "encloses nothing"),
        (ring((21, 105), (21, 106), (22, 106), (21, 105)), "longitude .* comes first"),
        (ring((181, 21), (182, 21), (182, 22), (181, 21)), "out of range"),
        ({"type": "Polygon", "coordinates": [[[105, True]] * 4]}, "numbers"),
        ({"type": "Polygon", "coordinates": [[[105, float("nan")]] * 4]}, "numbers"),
        ({"type": "Polygon", "coordinates": [[[105]] * 4]}, "longitude, latitude"),
        (ring(*[(105 + n / 1e5, 21.0) for n in range(MOST_POINTS + 1)]), "limit"),
        ({"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]] * (MOST_POINTS // 4)}, "simplify"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_place(geometry: object, told: str) -> None:
    with pytest.raises(GeometryError, match=told):
        read_outline(geometry)


@given(st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=5)))
def test_nothing_but_an_outline_or_a_refusal_comes_of_odd_coordinates(coordinates: object) -> None:
    for kind in ("Polygon", "MultiPolygon"):
        try:
            assert read_outline({"type": kind, "coordinates": coordinates})
        except GeometryError:
            continue


def test_a_name_is_written_inside_even_where_the_centre_is_outside() -> None:
    assert not within((5.0, 5.0), HORSESHOE)
    assert within(middle_of(HORSESHOE), HORSESHOE)
    assert middle_of(read_outline(SQUARE)) == pytest.approx((105.05, 21.05))


def test_the_sample_villages_adjoin_and_hold_their_loudspeakers() -> None:
    known = {one.area: one for one in sample_whereabouts()}
    for village in VILLAGES:
        outline = known[village].outline
        assert outline is not None
        assert read_outline(as_geojson(outline)) == outline
        position = POSITIONS[village]
        inside = [one for one in VILLAGES if within((position.lon, position.lat), known[one].outline or ())]
        assert inside == [village]


@dataclass
class Made:
    """A commune with a loudspeaker, and people of it."""

    admin: Client
    technician: Client
    stranger: Client


@pytest.fixture
def made(site: Site) -> Made:
    site.node("cum-1")
    return Made(
        admin=site.user("goc", (COMMUNE, Role.ADMIN)),
        technician=site.user("binh", (COMMUNE, Role.TECHNICIAN)),
        stranger=site.user("la", (VILLAGES[1], Role.ADMIN)),
    )


def test_whereabouts_are_set_under_their_revision(made: Made) -> None:
    path = f"/areas/{VILLAGES[0]}/whereabouts"
    empty = made.admin.get(path)
    assert (empty.headers["etag"], empty.json()["households"]) == ('"0"', None)
    body = {"households": 268, "contact": {"name": "Lê Văn Tám", "phone": "0900 000 001"}, "outline": SQUARE}
    assert made.admin.ask("PATCH", path, body).status_code == 428
    kept = made.admin.ask("PATCH", path, body, if_match='"0"')
    assert (kept.status_code, kept.headers["etag"]) == (200, '"1"')
    assert made.admin.get(path).json() == kept.json()
    assert kept.json()["outline"]["coordinates"] == SQUARE["coordinates"]
    fewer = made.admin.ask("PATCH", path, {"contact": None}, if_match='"1"').json()
    assert (fewer["households"], fewer["contact"], fewer["revision"]) == (268, None, 2)
    assert fewer["outline"] == kept.json()["outline"]
    stale = made.admin.ask("PATCH", path, body, if_match='"0"')
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")


def test_who_keeps_an_area_says_where_it_is(made: Made) -> None:
    village, node = (f"/areas/{area}/whereabouts" for area in (VILLAGES[0], "cum-1"))
    spot = {"position": {"lat": 21.45, "lon": 105.38}, "description": "cột trước nhà văn hóa"}
    assert made.technician.ask("PATCH", node, spot, if_match='"0"').status_code == 200
    assert made.technician.ask("PATCH", village, {"households": 9}, if_match='"0"').status_code == 403
    assert made.stranger.get(village).status_code == 404
    assert made.stranger.ask("PATCH", village, {"households": 9}, if_match='"0"').status_code == 404
    assert made.admin.get("/areas/nowhere/whereabouts").status_code == 404


def test_what_does_not_fit_is_refused(made: Made) -> None:
    def refused(area: str, body: dict[str, object]) -> object:
        return made.admin.ask("PATCH", f"/areas/{area}/whereabouts", body, if_match='"0"').json()["code"]

    spot = {"lat": 21, "lon": 105}
    assert refused(VILLAGES[0], {"position": spot}) == "not_for_this_kind"
    assert refused("cum-1", {"households": 3}) == "not_for_this_kind"
    assert refused("cum-1", {"outline": SQUARE}) == "not_for_this_kind"
    assert refused(VILLAGES[0], {"outline": {"type": "Point", "coordinates": [1, 2]}}) == "bad_outline"
    assert refused(VILLAGES[0], {"households": -1}) == "invalid_request"
    assert refused("cum-1", {"position": {"lat": 105, "lon": 21}}) == "invalid_request"
    assert refused(VILLAGES[0], {"contact": {"name": "A", "phone": "call me"}}) == "invalid_request"


def test_a_change_is_taken_back_and_brought_again(made: Made) -> None:
    path = f"/areas/{VILLAGES[0]}/whereabouts"
    assert made.admin.ask("POST", f"{path}/undo", if_match='"0"').json()["code"] == "nothing_to_undo"
    tam = {"name": "Lê Văn Tám", "phone": ""}
    body = {"households": 268, "outline": SQUARE, "contact": tam, "description": "ven sông"}
    made.admin.ask("PATCH", path, body, if_match='"0"')
    made.admin.ask("PATCH", path, {"households": 300, "outline": None}, if_match='"1"')
    assert made.admin.ask("POST", f"{path}/undo", if_match='"1"').status_code == 412
    back = made.admin.ask("POST", f"{path}/undo", if_match='"2"').json()
    assert (back["households"], back["outline"], back["revision"]) == (268, SQUARE, 3)
    assert (back["contact"], back["description"]) == (tam, "ven sông")
    again = made.admin.ask("POST", f"{path}/undo", if_match='"3"').json()
    assert (again["households"], again["outline"], again["contact"]) == (300, None, tam)
    assert made.stranger.ask("POST", f"{path}/undo", if_match='"4"').status_code == 404
    assert made.technician.ask("POST", f"{path}/undo", if_match='"4"').status_code == 403


def test_the_trail_tells_what_a_place_was_and_became(made: Made) -> None:
    path, node = f"/areas/{VILLAGES[0]}/whereabouts", "/areas/cum-1/whereabouts"
    body = {"households": 268, "outline": SQUARE, "contact": {"name": "Lê Văn Tám", "phone": "0900"}}
    made.admin.ask("PATCH", path, body, if_match='"0"')
    made.admin.ask("PATCH", node, {"position": {"lat": 21.45, "lon": 105.38}}, if_match='"0"')
    made.admin.ask("POST", f"{path}/undo", if_match='"1"')
    found = [one["detail"] for one in made.admin.get("/audit?act=area.located").json()["items"]]
    assert found == [
        {
            "changed": ["households", "contact", "outline"],
            "households": "268 → -",
            "outline": "5 points → -",
        },
        {"changed": ["position"], "position": "- → 21.45000, 105.38000"},
        {
            "changed": ["households", "contact", "outline"],
            "households": "- → 268",
            "outline": "- → 5 points",
        },
    ]


def feature(outline: object = SQUARE, **said: object) -> dict[str, object]:
    return {"type": "Feature", "properties": said, "geometry": outline}


def collection(*features: object) -> dict[str, object]:
    return {"type": "FeatureCollection", "features": list(features)}


@pytest.fixture
def town(sqlite_db: Database) -> Town:
    return Town(sqlite_db).build()


def test_a_feature_says_by_id_or_name_which_area_it_is(town: Town) -> None:
    keeper = WhereaboutsKeeper(clock=town.clock, audit=town.audit)
    with town.db.work() as work:
        work.session.get_one(AreaRow, VILLAGES[2]).name = "Thôn Minh Tân"
        work.session.flush()
        done = keeper.import_outlines(
            work,
            "test",
            collection(
                feature(id=VILLAGES[0]),
                feature(name="Lãng Công"),
                feature(name="Thôn Minh Tân"),
                feature(name="Ở nơi khác"),
                feature(),
            ),
        )
    assert done.set == (VILLAGES[0], COMMUNE)
    assert (done.unknown, done.ambiguous) == (("Ở nơi khác", "?"), ("Thôn Minh Tân",))
    with town.db.look() as session:
        assert outlined(session, [*VILLAGES, COMMUNE]) == {VILLAGES[0], COMMUNE}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (SQUARE, None),
        (feature(), None),
        (collection(feature(name="Ở nơi khác")), None),
        (collection(feature(name="A", outline=None), feature(ten="Thống Nhất")), None),
        (collection(feature(name="A"), feature(name="B")), "no_such_feature"),
        (collection(feature(name="Thống Nhất"), feature(name="Thôn Thống Nhất")), "no_such_feature"),
        (collection(), "no_such_feature"),
        (collection("x"), "no_outlines"),
        ({"type": "Feature"}, "bad_outline"),
        ([], "bad_outline"),
        ("Polygon", "bad_outline"),
    ],
)
def test_a_document_gives_an_area_its_outline(town: Town, document: object, told: str | None) -> None:
    keeper = WhereaboutsKeeper(clock=town.clock, audit=town.audit)
    admin = town.user("goc", (COMMUNE, Role.ADMIN))
    with town.db.look() as session:
        if told is None:
            found = keeper.outline_for(session, admin, AreaId(VILLAGES[0]), document)
            assert as_geojson(found) == json.loads(json.dumps(SQUARE))
            return
        with pytest.raises(Invalid) as refused:
            keeper.outline_for(session, admin, AreaId(VILLAGES[0]), document)
        assert refused.value.code == told


def test_how_large_an_outline_is() -> None:
    hole = ring((105.02, 21.02), (105.04, 21.02), (105.04, 21.04), (105.02, 21.04), (105.02, 21.02))
    pierced = {"type": "Polygon", "coordinates": [*SQUARE["coordinates"], *hole["coordinates"]]}  # type: ignore[misc]  # JSON
    whole = square_km(read_outline(SQUARE))
    assert whole == pytest.approx(115.4, abs=0.2)
    assert square_km(read_outline(pierced)) == pytest.approx(whole * 0.96)


def test_an_import_changes_the_outline_and_nothing_else(town: Town) -> None:
    keeper = WhereaboutsKeeper(clock=town.clock, audit=town.audit)
    with town.db.work() as work:
        keeper.insert(work, "test", Whereabouts(area=COMMUNE, households=2145))
        keeper.import_outlines(work, "test", collection(feature(id=COMMUNE)))
        known = whereabouts_of(work.session, COMMUNE)
    assert (known.households, known.outline) == (2145, read_outline(SQUARE))


def test_one_wrong_outline_refuses_the_file(town: Town) -> None:
    keeper = WhereaboutsKeeper(clock=town.clock, audit=town.audit)
    wrong = collection(feature(id=VILLAGES[0]), feature(ring((1, 2)), id=VILLAGES[1]))
    with pytest.raises(Invalid, match=VILLAGES[1]), town.db.work() as work:
        keeper.import_outlines(work, "test", wrong)
    with town.db.look() as session:
        assert all_whereabouts(session, VILLAGES) == {}


def test_the_sample_has_outlines_and_a_file_replaces_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOA_DATA_DIR", str(tmp_path / "data"))
    app = typer.Typer()
    commands.add_to(app)
    map_commands.add_to(app)
    assert CliRunner().invoke(app, ["init", "--sample"]).exit_code == 0
    file = tmp_path / "outlines.geojson"
    file.write_text(json.dumps(collection(feature(ten="thôn Minh Tân"), feature(name="Xa lạ"))))
    done = CliRunner().invoke(app, ["map", "import", str(file)])
    assert (done.exit_code, done.stdout) == (0, "Set 1 outlines.\n")
    assert "Xa lạ" in done.stderr
    db = Database(f"sqlite:///{tmp_path}/data/loa.db")
    with db.look() as session:
        outlines = outlines_of(session, VILLAGES)
    db.close()
    assert outlines[VILLAGES[1]] == read_outline(SQUARE)
    assert len(outlines) == len(VILLAGES)
    file.write_text("{")
    assert "no JSON" in CliRunner().invoke(app, ["map", "import", str(file)]).stderr
