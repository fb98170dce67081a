"""Remembers hellos instead of answering them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from loa.controller.services.hellos import Greeting
from loa.protocol.reports import Hello


@dataclass
class FakeHellos:
    """`loa.controller.services.ingest.Answers`."""

    heard: list[Hello] = field(default_factory=list)

    def answer(self, greetings: Sequence[Greeting]) -> None:
        self.heard += [one.hello for one in greetings]
