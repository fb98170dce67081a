"""Building what reads texts out, from the settings."""

from loa.audio.speak import EspeakSpeaker, PiperSpeaker, Speaker, Speakers
from loa.controller.settings import Settings

READ_OUT_GROWTH = 10
"""Numbers and abbreviations grow so much at most when they are read out."""


def make_speaker(settings: Settings) -> Speaker:
    """Piper's voices, where the owner has some, before those of espeak-ng."""
    limit = settings.speech_limit_characters * READ_OUT_GROWTH
    espeak = EspeakSpeaker(speed_wpm=settings.speech_words_a_minute, limit=limit)
    piper = PiperSpeaker(settings.piper_voices, program=settings.piper_program, limit=limit)
    return Speakers(piper, espeak)
