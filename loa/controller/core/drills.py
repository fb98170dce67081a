"""Drills (diễn tập): how one is announced, and what keeps it apart from the real thing."""

from enum import StrEnum

PREFACE = "Đây là diễn tập. Đây là diễn tập. Không có việc thật."
"""Said before everything else, twice, so that who listens late still hears it."""
CLOSING = "Diễn tập đến đây là hết. Bà con không cần làm gì."


class Origin(StrEnum):
    """Where the sound of a recording comes from."""

    UPLOAD = "upload"
    RECORDED = "recorded"
    """In the browser."""
    SPEECH = "speech"
    """A voice, opened by the chime."""
    ALARM = "alarm"
    """A voice, opened by the siren."""
    DRILL = "drill"
    """A voice that says first that it is a drill; never a siren."""
    MADE = "made"


SPOKEN = frozenset({Origin.SPEECH, Origin.ALARM, Origin.DRILL})
"""Each of these reads a text, and is bound to it."""


def drill_text(text: str) -> str:
    """The text as a drill says it; one that says so already stays as it is."""
    bare = text.strip()
    if bare.startswith(PREFACE):
        return bare
    return f"{PREFACE} {bare} {CLOSING}"
