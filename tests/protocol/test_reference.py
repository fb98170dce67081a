from pathlib import Path

from loa.protocol.reference import reference

_PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


def test_the_protocol_page_is_what_the_code_says() -> None:
    assert _PAGE.read_text(encoding="utf-8") == reference(), "run `make docs`"
