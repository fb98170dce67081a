"""One measured figure, held against its peer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one benchmark found, and against what.

    `peer` is the competing program or physical limit measured in the same run, in `peer_unit`;
    `ratio` says how the value stands to it. Which way is better differs from figure to figure,
    so the benchmark itself judges `met`; `target` is the sentence that it judges by.
    """

    name: str
    value: float
    unit: str
    peer: float
    peer_unit: str
    ratio: float
    target: str
    met: bool
    notes: str = ""


def verdict(figure: Figure) -> str:
    """The closing line: `fanout 1.9 s, peer 1.7 s, ratio 1.12, target …: met` (or `: short`)."""
    return (
        f"{figure.name} {rounded(figure.value)} {figure.unit}, "
        f"peer {rounded(figure.peer)} {figure.peer_unit}, "
        f"ratio {rounded(figure.ratio)}, target {figure.target}: {'met' if figure.met else 'short'}"
    )


def rounded(value: float) -> str:
    """Three significant digits, never in scientific notation, thousands unshortened."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{float(f'{value:.3g}'):f}".rstrip("0").rstrip(".")
