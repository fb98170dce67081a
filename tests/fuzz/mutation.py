"""Changes to an input that keep its shape: most of what we read is JSON, and chance seldom makes JSON.

Documents within documents (an entry's, a paper's) are changed within, too.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

from tests.fuzz.targets import SEPARATOR

Bytes = Callable[[bytes, int], bytes]
"""Changes bytes somehow, to at most so many."""
_STRANGE: tuple[Any, ...] = (
    None,
    True,
    "",
    "\0",
    "a" * 70,
    "Ă" * 2_000,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-14:00",
    "2026-06-11T17:30",
    "FREQ=HOURLY;INTERVAL=1;BYDAY=-1MO,+5SU;COUNT=9999",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29,-31",
    "24:00",
    -1,
    0,
    1,
    100,
    2**53,
    2**63,
    -(10**30),
    0.5,
    1e308,
    float("nan"),
    float("-inf"),
    [],
    {},
    [[]],
)
_MOST_NODES = 2_000

_Slot = tuple[Any, Any]
"""A list or an object, and the index or name of something in it."""


def mutate(content: bytes, most_bytes: int, seed: int, *, blindly: Bytes) -> bytes:
    """Half of the time by the structure, where there is one, else blindly; the same seed, the same change."""
    rng = Random(seed)
    marks, parts = content[:2], content[2:].split(SEPARATOR)
    shaped = [at for at, part in enumerate(parts) if part.startswith(b"{")]
    if shaped and rng.random() < 0.5:
        at = rng.choice(shaped)
        changed = _change_json(parts[at], rng)
        if changed is not None:
            parts[at] = changed
            return (marks + SEPARATOR.join(parts))[:most_bytes]
    return blindly(content, most_bytes)


def _change_json(text: bytes, rng: Random) -> bytes | None:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    slots = list(_slots(whole))[:_MOST_NODES]
    if not slots:
        return None
    for turn in range(rng.choice((1, 1, 1, 2, 4))):
        _change(*rng.choice(slots), slots, rng, most_times=50 if turn == 0 else 1)
    return json.dumps(whole, ensure_ascii=rng.random() < 0.1).encode(errors="replace")


def _slots(node: object) -> Iterator[_Slot]:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, below in pairs:
        yield node, name
        yield from _slots(below)


def _change(holder: Any, name: Any, slots: list[_Slot], rng: Random, *, most_times: int) -> None:  # noqa: ANN401 -- JSON
    """One change. What is repeated comes `most_times`: fifty times fifty is more than memory holds."""
    if isinstance(holder, list) and name >= len(holder):
        return  # a change before this one took it away
    match rng.randrange(6), holder:
        case 0, dict():
            holder.pop(name, None)
        case 0, _:
            holder[name:] = holder[name : name + 20] * rng.choice((0, most_times))
        case 1, dict() if holder:
            other, key = rng.choice(slots)
            holder[str(key)] = deepcopy(_value(other, key))
        case 2, _:
            other, key = rng.choice(slots)
            holder[name] = deepcopy(_value(other, key))
        case 3, _:
            holder[name] = deepcopy(rng.choice(_STRANGE))
        case _:
            holder[name] = _nearby(_value(holder, name), rng)


def _value(holder: Any, name: Any) -> Any:  # noqa: ANN401 -- JSON
    """What stands there now; a change before may have taken it away."""
    try:
        return holder[name]
    except LookupError:
        return None


def _nearby(value: object, rng: Random) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return rng.choice((value + 1, value - 1, -value, value * 1000, float(value), str(value)))
        case str() if value.startswith("{"):
            changed = _change_json(value.encode(errors="replace"), rng)
            return value if changed is None else changed.decode(errors="replace")
        case str() if value:
            at, letter = rng.randrange(len(value)), chr(rng.choice((0, 32, 45, 48, 57, 97, 0x1E00, 0x1F600)))
            return rng.choice((value[:at], value[at:], value + value, value[:at] + letter + value[at + 1 :]))
        case _:
            return [value]
