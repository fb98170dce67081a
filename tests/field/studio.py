"""The sounds of a campaign: each like no other, uploaded before they are needed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

from loa.protocol.ids import RecordingId
from tests.flow.ears import Sound, make_sound
from tests.flow.office import Office

SIREN_S = 2


@dataclass(frozen=True, slots=True)
class Take:
    """A sound that the controller has."""

    sound: Sound
    recording: RecordingId


class Studio:
    """Gives out takes in turn, so that one that is heard again is long over."""

    def __init__(self, office: Office, folder: Path, dice: Random) -> None:
        self._office = office
        self._folder = folder
        self._dice = dice
        self._numbers = count(1)
        self._shelves: dict[int, list[Take]] = {}
        self.sirens: list[Take] = []

    def stock(self, each: int) -> None:
        """So many of two, three and four seconds; and two sirens."""
        lengths = [SIREN_S, SIREN_S, *(length for _ in range(each) for length in (2, 3, 4))]
        sounds = [self._make(length) for length in lengths]
        with ThreadPoolExecutor(2) as pool:
            takes = list(pool.map(self._upload, sounds))
        self.sirens = takes[:2]
        for length, take in zip(lengths[2:], takes[2:], strict=True):
            self._shelves.setdefault(length, []).append(take)

    def take(self, length: int) -> Take:
        """The one of this length that was longest not used."""
        shelf = self._shelves[length]
        shelf.append(shelf.pop(0))
        return shelf[-1]

    def siren(self) -> Take:
        self.sirens.reverse()
        return self.sirens[0]

    def _make(self, length: int) -> Sound:
        path = self._folder / f"take-{next(self._numbers)}.wav"
        return make_sound(path, length, seed=self._dice.randrange(2**32))

    def _upload(self, sound: Sound) -> Take:
        return Take(sound, self._office.upload(sound))
