"""What the loudspeakers sounded, by the samples of their recordings alone: all of it must be genuine."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from tests.attacks.sounds import Sample
from tests.field.hearing import Slice, slices
from tests.flow.ears import Sound
from tests.flow.village import Loudspeaker

GENUINE, UNKNOWN = "genuine", "unknown"


def what_sounded(
    nodes: Iterable[Loudspeaker], genuine: Sound, samples: Mapping[str, Sample]
) -> Counter[tuple[str, str]]:
    """How many quarters of a second of what were heard, by the sound's name and the loudspeaker's."""
    heard: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        if node.ear.wav.exists():
            heard.update(
                (_name(one, genuine, samples), node.name) for one in slices(node.ear.wav) if _counts(one)
            )
    return heard


def _counts(one: Slice) -> bool:
    return one.is_judged


def _name(one: Slice, genuine: Sound, samples: Mapping[str, Sample]) -> str:
    """Of an attack if it is one; what else is no part of a genuine broadcast is not known."""
    for name, sample in samples.items():
        if _is_of(one, sample.sound):
            return name
    return GENUINE if _is_of(one, genuine) or one.is_edge else UNKNOWN


def _is_of(one: Slice, sound: Sound) -> bool:
    return one.position_in(sound, None, timedelta(0)) is not None
