"""The harness of the benchmarks: its closing line and its page."""

from pathlib import Path

import pytest

from bench import record
from bench.figure import Figure, rounded, verdict

ORDER = ("fanout", "layout")


def figure(name: str, *, met: bool = True, notes: str = "") -> Figure:
    return Figure(
        name=name,
        value=151.26,
        unit="ms",
        peer=0.12345,
        peer_unit="s",
        ratio=1.2253,
        target="at most 1.3 times",
        met=met,
        notes=notes,
    )


def test_the_closing_line_tells_the_figure_its_peer_and_the_verdict() -> None:
    assert verdict(figure("fanout")) == (
        "fanout 151 ms, peer 0.123 s, ratio 1.23, target at most 1.3 times: met"
    )
    assert verdict(figure("fanout", met=False)).endswith(": short")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (3000, "3000"), (12345.6, "12346"), (1.0, "1"), (0.00012344, "0.000123"), (99.96, "100")],
)
def test_figures_are_rounded_to_what_they_are_worth(value: float, text: str) -> None:
    assert rounded(value) == text


def test_a_measurement_renews_its_own_line_and_no_other(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    record.write(page, figure("layout"), order=ORDER)
    layout = record.read(page)["layout"]
    record.write(page, figure("fanout", met=False, notes="4,000 subscribers\nuneven | noisy"), order=ORDER)
    lines = record.read(page)
    assert list(lines) == ["fanout", "layout"]
    assert lines["layout"] == layout
    assert "**short**" in lines["fanout"]
    assert lines["fanout"].count("|") == layout.count("|")
