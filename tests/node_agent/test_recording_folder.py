"""The folder of recordings: what it remembers of them, and what goes."""

from datetime import timedelta
from pathlib import Path

from loa.node_agent.adapters.recordings import RecordingFolder
from loa.protocol.ids import RecordingId
from tests.node_agent.makers import NOON

A, B, C = (RecordingId(letter * 64) for letter in "abc")


def filled(path: Path) -> RecordingFolder:
    folder = RecordingFolder(path)
    for name in (A, B):
        folder.place(name).write_bytes(b"sound")
    return folder


def test_when_a_recording_was_last_needed_outlasts_a_restart(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    folder.note_needed([A, C], NOON)
    folder.note_needed([B], NOON + timedelta(days=1))
    again = RecordingFolder(tmp_path)
    assert again.last_needed() == {A: NOON, B: NOON + timedelta(days=1)}


def test_what_is_dropped_is_gone_and_may_come_again(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    folder.drop([A, C])
    assert set(folder.here()) == {B}
    assert not folder.is_sound(A)


def test_what_has_begun_counts_and_stays_as_long_as_it_is_awaited(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    folder.place(C).with_name(f"{C}.ogg.part").write_bytes(b"be")
    assert folder.begun() == {C: 2}
    assert folder.sweep([C]) == 0
    assert folder.sweep([]) == 1
    assert folder.begun() == {}
    assert set(folder.here()) == {A, B}
