"""Whether what nodes send follows what was kept of them (`loa.protocol.chain`), batch by batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from loa.protocol.chain import GENESIS, contents_of, extend
from loa.protocol.envelope import payload_of
from loa.protocol.errors import MalformedError
from loa.protocol.reports import Reports


@dataclass(frozen=True, slots=True)
class Head:
    """How far a journal's chain was followed, and its value there; None where nobody can say."""

    number: int
    chain: str | None


START = Head(0, GENESIS)
"""Before a journal's first report."""


class Fault(StrEnum):
    """How a chain is broken."""

    MISSING = "missing"
    """Reports in between are not there."""
    ALTERED = "altered"
    """What was kept before is not what the node signs that it told."""


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain is broken, and the numbers of the reports that are in question."""

    fault: Fault
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Link:
    """A batch as a link of its journal's chain."""

    numbers: tuple[int, ...]
    contents: tuple[bytes, ...]
    """The canonical bytes of each report."""
    before: str | None
    """The chain before the first report, None from a node that does not chain."""

    @property
    def first(self) -> int:
        """Number of its first report."""
        return self.numbers[0]

    @property
    def last(self) -> int:
        """Number of its last report."""
        return self.numbers[-1]

    def chain_at(self, number: int) -> str | None:
        """The chain after the report of that number, which is in it or just before it."""
        if self.before is None:
            return None
        some = (content for at, content in zip(self.numbers, self.contents, strict=True) if at <= number)
        return extend(self.before, some)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A batch in the envelope in which it came."""

    batch: Reports
    link: Link
    envelope: str
    key_x: str
    """Of the node, with which it was verified."""


def sealed(batch: Reports, envelope: bytes, key_x: str) -> Sealed:
    """A batch, the verified envelope in which it came, and the key that verified it.

    Raises `MalformedError` for reports that are not in order, or have no canonical bytes.
    """
    text = envelope.decode("ascii")
    return Sealed(batch, link_of(batch, payload_of(text)), text, key_x)


def link_of(batch: Reports, payload: bytes) -> Link:
    """The link that a batch is, by the bytes in which it came; raises `MalformedError` as `sealed` does."""
    numbers = tuple(report.number for report in batch.reports)
    if any(after <= before for before, after in pairwise(numbers)):
        raise MalformedError("the reports of the batch are not in ascending order")
    return Link(numbers, tuple(contents_of(payload)), batch.chain)


def follow(head: Head, links: Iterable[Link], *, reached: int) -> tuple[Head, list[Break]]:
    """How far the chain goes with these links of one journal, and where it is broken.

    Links that came again say nothing new. Behind a gap it waits for what is missing, unless the journal is
    gapless, or given up, as far as `reached`.
    """
    breaks: list[Break] = []
    for link in sorted(links, key=lambda link: (link.first, link.last)):
        if link.last <= head.number:
            continue
        if link.first > head.number + 1:
            if link.last > reached:
                break
            breaks.append(Break(Fault.MISSING, head.number + 1, link.first - 1))
        elif not _fits(head, link):
            breaks.append(Break(Fault.ALTERED, link.first, link.last))
        head = Head(link.last, link.chain_at(link.last))
    return head, breaks


def _fits(head: Head, link: Link) -> bool:
    said = link.chain_at(head.number)
    return head.chain is None or said is None or said == head.chain
