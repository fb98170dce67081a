#!/usr/bin/env python
"""`python -m tests.fuzz.engine [libFuzzer's options] FOLDER…`: one process of the fuzzer over all targets.

The first byte of an input names the target, so that the fuzzer itself gives its time to where new code is
reached. Our own code and joserfc's are instrumented as they are imported.
"""

import sys

import atheris

with atheris.instrument_imports(include=["loa.protocol", "joserfc", "tarfile"]):
    from tests.fuzz.mutation import mutate
    from tests.fuzz.targets import TARGETS, judge


def one(content: bytes) -> None:
    """Judge one input; whatever it raises ends the process and is kept by libFuzzer."""
    if content:
        judge(TARGETS[content[0] % len(TARGETS)], content[1:])


def change(content: bytes, most_bytes: int, seed: int) -> bytes:
    """The next input to try."""
    return mutate(content, most_bytes, seed, blindly=atheris.Mutate)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one, custom_mutator=change)
    atheris.Fuzz()
