"""Remembers hellos instead of answering them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loa.protocol.reports import Hello


@dataclass
class FakeHellos:
    """`loa.controller.services.ingest.Answers`."""

    heard: list[Hello] = field(default_factory=list)

    def answer(self, hellos: Sequence[Hello]) -> None:
        self.heard += hellos
