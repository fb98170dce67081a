"""What the loudspeakers sounded, by the samples of their recordings alone: all of it must be genuine."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from tests.attacks.sounds import Sample
from tests.field.hearing import Slice, slices
from tests.flow.ears import Sound
from tests.flow.village import Loudspeaker

GENUINE, UNKNOWN, EDGE = "genuine", "unknown", "edge"


def what_sounded(
    nodes: Iterable[Loudspeaker], genuine: Sound, samples: Mapping[str, Sample]
) -> Counter[tuple[str, str]]:
    """How many quarters of a second of what were heard, by the sound's name and the loudspeaker's."""
    heard: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        if node.ear.wav.exists():
            names = [_name(one, genuine, samples) for one in slices(node.ear.wav) if one.is_judged]
            heard.update((name, node.name) for name in _seamless(names) if name != EDGE)
    return heard


def _seamless(names: Sequence[str]) -> Iterator[str]:
    """A quarter in which a genuine broadcast ends and the next one begins is like neither."""
    for before, name, after in zip(["", *names], names, [*names[1:], ""], strict=False):
        yield GENUINE if name == UNKNOWN and before == after == GENUINE else name


def _name(one: Slice, genuine: Sound, samples: Mapping[str, Sample]) -> str:
    """Of an attack if it is one; what else is no part of a genuine broadcast is not known.

    The first and the last piece of a sound may be too little of it to be like anything.
    """
    for name, sample in samples.items():
        if _is_of(one, sample.sound):
            return name
    if _is_of(one, genuine):
        return GENUINE
    return EDGE if one.is_edge else UNKNOWN


def _is_of(one: Slice, sound: Sound) -> bool:
    return one.position_in(sound, None, timedelta(0)) is not None
