"""What is particular to the WAV player: a file that can be read at any moment and addressed by wall time."""

import subprocess
import sys
import wave
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from loa.audio.decoder import DecodedFile
from loa.audio.find import decode, find
from loa.audio.heard import Playback
from loa.audio.mixer import Sound
from loa.audio.player import Began, Cue, Ended, Ending, Late
from loa.audio.prepare import prepare
from loa.audio.wav_player import WavPlayer
from tests.audio.support import SystemClock, noise, wait_until, write_wav

pytestmark = pytest.mark.realtime


def now() -> datetime:
    return datetime.now(UTC)


def has_frames(path: Path, least: int) -> bool:
    return Playback.open(path).frames > least


def ms(value: float) -> timedelta:
    return timedelta(milliseconds=value)


def play(player: WavPlayer, path: Path, length_ms: int = 400) -> Cue:
    start_at = now() + ms(2000)
    cue = Cue("o@1", path, start_at, start_at + ms(length_ms))
    player.set_plan([cue])
    assert isinstance(player.events.get(timeout=20), Began)
    assert isinstance(player.events.get(timeout=20), Ended)
    return cue


def test_the_file_is_valid_while_it_grows_and_its_position_is_the_wall_time(tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    player = WavPlayer(path, clock=SystemClock())
    lengths = []
    for frames in (4800, 24_000, 48_000):
        wait_until(partial(has_frames, path, frames))
        with wave.open(str(path)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48_000, 1, 2)
            lengths.append(len(file.readframes(file.getnframes())) // 2)
    heard = Playback.open(path)
    assert abs(heard.at(heard.frames) - now()) < ms(1000)
    assert heard.frame(heard.at(12_345)) == pytest.approx(12_345, abs=1)
    player.close()
    assert lengths == sorted(lengths)
    assert lengths[0] > 4800


def test_a_decoder_that_fails_unforeseen_is_told_so_that_a_new_player_is_opened(tmp_path: Path) -> None:
    def opens_nothing(path: Path, first_frame: int) -> Sound:
        raise ZeroDivisionError(f"{path} from {first_frame} on")

    player = WavPlayer(tmp_path / "heard.wav", clock=SystemClock(), open_sound=opens_nothing)
    player.set_plan([Cue("o@1", tmp_path / "any.ogg", now(), now() + ms(400))])
    wait_until(lambda: player.status().broken is not None)
    player.close()


def test_a_new_player_fills_the_gap_with_silence_and_goes_on(tmp_path: Path) -> None:
    path, sound = tmp_path / "heard.wav", write_wav(tmp_path / "sound.wav", noise(1.0))
    first = WavPlayer(path, clock=SystemClock())
    before = play(first, sound)
    first.close()
    second = WavPlayer(path, clock=SystemClock())
    after = play(second, sound)
    second.close()
    heard = Playback.open(path)
    assert len(heard.anchors) == 1
    for cue in (before, after):
        assert heard.samples(cue.start_at + ms(5), cue.stop_at - ms(5)).any()
        assert not heard.samples(cue.start_at - ms(500), cue.start_at - ms(5)).any()


def test_after_a_pause_beyond_the_limit_the_file_has_a_new_anchor(tmp_path: Path) -> None:
    path, sound = tmp_path / "heard.wav", write_wav(tmp_path / "sound.wav", noise(1.0))
    WavPlayer(path, clock=SystemClock()).close()
    player = WavPlayer(path, clock=SystemClock(), max_gap_s=-1.0)
    cue = play(player, sound)
    player.close()
    heard = Playback.open(path)
    assert len(heard.anchors) == 2
    assert heard.samples(cue.start_at + ms(5), cue.stop_at - ms(5)).any()


class SetClock(SystemClock):
    """As an agent's clock, which an answer or NTP sets."""

    step = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.step


def test_a_wall_clock_that_is_set_gives_a_new_anchor(tmp_path: Path) -> None:
    clock, path = SetClock(), tmp_path / "heard.wav"
    player = WavPlayer(path, clock=clock)
    clock.step = timedelta(days=1)
    wait_until(lambda: len(Playback.open(path).anchors) == 2)
    player.close()
    heard = Playback.open(path)
    assert heard.at(heard.frames) - now() > timedelta(hours=23)
    assert heard.frames < 48_000 * 60


def test_what_moves_together_with_the_clock_goes_on_without_a_break(tmp_path: Path) -> None:
    sound = write_wav(tmp_path / "sound.wav", noise(4.0))
    clock, path = SetClock(), tmp_path / "heard.wav"
    player = WavPlayer(path, clock=clock)
    start_at = clock.now()
    cue = Cue("o@1", sound, start_at, start_at + ms(6000), late=Late.SHIFT)
    player.set_plan([cue])
    began = player.events.get(timeout=20)
    wait_until(lambda: clock.now() > began.at + ms(1000))
    clock.step = timedelta(seconds=-40)
    moved = replace(cue, start_at=cue.start_at + clock.step, stop_at=cue.stop_at + clock.step)
    player.set_plan([moved])
    ended = player.events.get(timeout=20)
    player.close()
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.cue) == (Ending.FINISHED, moved)
    assert abs(ended.played_ms - 4000) < 50


def test_a_plan_made_right_after_the_clock_was_set_back_is_played_by_the_new_time(tmp_path: Path) -> None:
    sound = write_wav(tmp_path / "sound.wav", noise(1.0))
    clock, path = SetClock(), tmp_path / "heard.wav"
    clock.step = timedelta(hours=1)
    player = WavPlayer(path, clock=clock)
    wait_until(partial(has_frames, path, 4800))
    clock.step = timedelta(0)
    start_at = clock.now() + ms(1500)
    player.set_plan([Cue("o@1", sound, start_at, start_at + ms(900))])
    events = [player.events.get(timeout=20) for _ in range(2)]
    player.close()
    assert [type(event) for event in events] == [Began, Ended]
    assert abs(events[0].at - start_at) < ms(300)


def test_a_prepared_recording_is_found_where_it_was_planned_from_any_offset(tmp_path: Path) -> None:
    source = write_wav(tmp_path / "sound.wav", noise(12.0))
    prepared = prepare(source, tmp_path / "sound.opus")
    player = WavPlayer(tmp_path / "heard.wav", clock=SystemClock())
    start_at = now() + ms(2500)
    cue = Cue("o@1", prepared.path, start_at, start_at + ms(1500), offset_ms=7350)
    player.set_plan([cue])
    assert isinstance(player.events.get(timeout=20), Began)
    assert isinstance(player.events.get(timeout=20), Ended)
    player.close()
    heard = Playback.open(tmp_path / "heard.wav").samples(cue.start_at, cue.stop_at)
    whole = decode(prepared.path, 48_000)
    (match, *_) = find(heard.astype(np.float32), whole, 48_000)
    assert match.position_s == pytest.approx(7.35, abs=0.002)
    assert match.score > 0.9


def test_a_decoder_holds_a_few_seconds_whatever_the_length(tmp_path: Path) -> None:
    sound = DecodedFile(write_wav(tmp_path / "long.wav", noise(30.0)), 0)
    wait_until(lambda: len(sound.read(48_000)) > 0 and sound.position >= 48_000)
    sound.close()
    assert sound.ended
    assert len(sound.read(48_000 * 30)) == 0


def test_the_players_import_nothing_of_the_preparing_side() -> None:
    code = (
        "import sys, loa.audio.wav_player, loa.audio.sounddevice_player\n"
        "heavy = {'pydub', 'sea_g2p', 'sounddevice', 'pydantic', 'loa.audio.prepare'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_silence_takes_less_than_a_hundredth_of_a_core(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from threading import Event\n"
        "from loa.audio.wav_player import WavPlayer\n"
        "from tests.audio.support import SystemClock\n"
        "player = WavPlayer(Path(sys.argv[1]), clock=SystemClock())\n"
        "Event().wait(1)\n"
        "before = time.process_time()\n"
        "Event().wait(5)\n"
        "print((time.process_time() - before) / 5)\n"
        "player.close()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "heard.wav")]
    share = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert share < 0.02, "1 % on a quiet machine; a busy one is granted twice that"
