"""Coordinates as people write them, and what cannot be a place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.controller.core.coordinates import read_position, write_position
from loa.controller.core.geometry import Position

HERE = Position(21.4443, 105.4021)


@pytest.mark.parametrize(
    "text",
    [
        "21.4443, 105.4021",
        "21.4443 105.4021",
        " 21.4443;105.4021 ",
        "21,4443 105,4021",
        "21,4443; 105,4021",
        "105.4021, 21.4443",
        "(21.4443, 105.4021)",
        "21.4443N 105.4021E",
        "N21.4443 E105.4021",
        "21.4443° B, 105.4021° Đ",
        "21°26'39.48\"N 105°24'7.56\"E",
        "21°26'39,48\"B 105°24'7,56\"Đ",
        "21 26 39.48, 105 24 7.56",
        "https://www.google.com/maps/place/UBND/@21.4443,105.4021,17z/data=!3m1",
        "https://maps.google.com/?q=21.4443,105.4021",
        "https://www.openstreetmap.org/#map=17/21.4443/105.4021",
        "https://www.google.com/maps/search/21.4443,+105.4021",
        "geo:21.4443,105.4021",
    ],
)
def test_what_people_write_and_paste_names_the_place(text: str) -> None:
    assert read_position(text) == HERE


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("-33.8568, 151.2153", Position(-33.8568, 151.2153)),
        ("33.8568 S, 151.2153 E", Position(-33.8568, 151.2153)),
        ("51.4779, -0.0015", Position(51.4779, -0.0015)),
        ("0, 0", Position(0, 0)),
    ],
)
def test_south_and_west_are_negative(text: str, position: Position) -> None:
    assert read_position(text) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nhà văn hóa",
        "21.4443",
        "21.4443, 105.4021, 12",
        "560000, 2370000",
        "100, 200",
        "21°61'00\"N 105°24'00\"E",
        "https://maps.app.goo.gl/Ab12Cd34",
        "https://www.google.com/maps",
    ],
)
def test_what_names_no_place_is_none(text: str) -> None:
    assert read_position(text) is None


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180))
def test_what_is_written_is_read_again_to_a_metre(lat: float, lon: float) -> None:
    read = read_position(write_position(Position(lat, lon)))
    assert read is not None
    assert (read.lat, read.lon) == pytest.approx((lat, lon), abs=1e-5)


@given(st.text())
def test_any_text_gives_a_place_or_none(text: str) -> None:
    read = read_position(text)
    assert read is None or (abs(read.lat) <= 90 and abs(read.lon) <= 180)
