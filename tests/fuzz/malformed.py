"""Sounds as they should not be, made of sounds as they are."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from random import Random

Sounds = Mapping[str, bytes]
_HEAD_BYTES = 96
_EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_PNG_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def malformed(sounds: Sounds, rng: Random, number: int) -> tuple[str, bytes]:
    """What was done to what, and the result; consecutive numbers go through all ways and all formats."""
    make = _WAYS[number % len(_WAYS)]
    kinds = sorted(sounds)
    kind = kinds[number // len(_WAYS) % len(kinds)]
    return f"{make.__name__.strip('_')} of {kind}", make(sounds[kind], rng, sounds)


def _cut_short(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    return sound[: rng.randrange(len(sound))]


def _beheaded(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    return sound[rng.randrange(1, _HEAD_BYTES) :]


def _bits_flipped(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    changed = bytearray(sound)
    for _ in range(rng.choice((1, 10, 100, 1000))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _head_flipped(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    changed = bytearray(sound)
    for _ in range(rng.choice((1, 3, 12))):
        changed[rng.randrange(min(_HEAD_BYTES, len(changed)))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _extreme_field(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    """A declared length, rate, number of channels or size of a part, as large or small as it goes."""
    changed = bytearray(sound)
    for _ in range(rng.choice((1, 2))):
        width, order = rng.choice((("H", "<"), ("I", "<"), ("I", ">"), ("Q", ">")))
        field = struct.pack(order + width, rng.choice(_EXTREMES) & ((1 << 8 * struct.calcsize(width)) - 1))
        at = rng.randrange(4, 400)
        changed[at : at + len(field)] = field
    return bytes(changed)


def _wav_bomb(_sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    """A WAV that declares a rate, channels, bits and a length that no sound has."""
    rate_hz = rng.choice((0, 1, 8000, 192_000, 0x7FFFFFFF, 0xFFFFFFFF))
    channels, bits = rng.choice((0, 1, 8, 64, 255, 65_535)), rng.choice((0, 1, 8, 16, 32, 64, 65_535))
    block, tag = rng.choice((0, 1, 2, 65_535)), rng.choice((0, 1, 2, 3, 6, 0x11, 0x31, 0x55, 0xFFFE))
    data_bytes = rng.choice((0, 1, 4_000, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF))
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rng.choice(_EXTREMES), block, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", data_bytes)
    return b"RIFF" + struct.pack("<I", rng.choice(_EXTREMES)) + body + rng.randbytes(rng.choice((0, 4_000)))


def _flac_bomb(_sound: bytes, rng: Random, sounds: Sounds) -> bytes:
    """A FLAC whose head declares another rate, number of channels and length."""
    facts = (
        rng.randrange(1 << 20) << 44
        | rng.randrange(8) << 41
        | rng.randrange(32) << 36
        | rng.choice((0, 1, (1 << 36) - 1, rng.randrange(1 << 36)))
    )
    return sounds["flac"][:18] + struct.pack(">Q", facts) + sounds["flac"][26:]


def _in_an_archive(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    kind = rng.randrange(4)
    if kind == 0:
        return gzip.compress(sound)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        archive.writestr("sound", sound)
    return rng.randbytes(rng.choice((0, 1, 500))) + file.getvalue()


def _two_in_one(sound: bytes, rng: Random, sounds: Sounds) -> bytes:
    other = sounds[rng.choice(sorted(sounds))]
    return sound[: rng.randrange(len(sound))] + other[rng.randrange(_HEAD_BYTES) :]


def _repeated(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    begin, length = rng.randrange(len(sound)), rng.choice((4, 100, 2_000))
    return sound[:begin] + sound[begin : begin + length] * rng.choice((2, 50, 300)) + sound[begin:]


def _noise_behind_head(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    return sound[: rng.randrange(4, 300)] + rng.randbytes(rng.choice((10, 10_000, 100_000)))


def _zeros(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    return sound[: rng.choice((0, 4, 44, 300))] + bytes(rng.choice((0, 1, 1_000, 200_000)))


def _something_else(sound: bytes, rng: Random, _sounds: Sounds) -> bytes:
    """Pictures, pages, scripts, playlists and programs, some with a sound behind."""
    square = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000))
    other = rng.choice(
        (
            _PNG_START + square + bytes(4) + struct.pack(">I", len(pixels)) + b"IDAT" + pixels,
            b"<html><audio src='file:///etc/passwd'></audio></html>",
            b"ffconcat version 1.0\nfile '/etc/passwd'\n",
            b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
            b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nconcat:/etc/passwd\n",
            b"\x7fELF\x02\x01\x01" + bytes(200),
            b"%PDF-1.7\n" + bytes(100),
            b"GIF89a" + bytes(500),
            b"#!/bin/sh\nreboot\n",
            b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f",
            b"OggS" * 10_000,
            b"\xff\xfb\x90\x64" * 10_000,
            b"fLaC" + b"\x04\xff\xff\xff" * 1_000,
        )
    )
    return other + rng.choice((b"", sound))


_Way = Callable[[bytes, Random, Sounds], bytes]
_WAYS: tuple[_Way, ...] = (
    _cut_short,
    _beheaded,
    _bits_flipped,
    _head_flipped,
    _extreme_field,
    _extreme_field,
    _wav_bomb,
    _flac_bomb,
    _in_an_archive,
    _two_in_one,
    _repeated,
    _noise_behind_head,
    _zeros,
    _something_else,
)
