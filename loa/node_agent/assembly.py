import os
import random
from functools import partial
from pathlib import Path
from queue import Queue

from loa.audio.player import Player
from loa.audio.wav_player import WavPlayer
from loa.node_agent.adapters import enrolment
from loa.node_agent.adapters.clock import SystemTime
from loa.node_agent.adapters.courier import Broker, MqttCourier, Will
from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.adapters.downloads import BackgroundDownloads
from loa.node_agent.adapters.ears import make_listeners
from loa.node_agent.adapters.http import HttpFetcher
from loa.node_agent.adapters.recordings import RecordingFolder
from loa.node_agent.adapters.sound_file import open_sound
from loa.node_agent.errors import PlayerUnavailableError
from loa.node_agent.fetching import Fetching
from loa.node_agent.intake import Intake
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Arrival
from loa.node_agent.runner import Agent
from loa.node_agent.self_test import SelfTest
from loa.node_agent.sounding import Sounding
from loa.node_agent.telling import Telling
from loa.node_agent.voice import Voice
from loa.node_agent.witness import Witness
from loa.protocol.ids import BootId

INBOX_SIZE = 2_000
RECORDINGS_FOLDER = "recordings"
SELF_TEST_FILE = "self-test.wav"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def build(data: Path, sink: str) -> Agent:
    """The agent of an enrolled data directory, with real adapters. Raises a `NodeError`."""
    identity, key = enrolment.load(data)
    clock, dice = SystemTime(), random.SystemRandom()
    inbox: Queue[Arrival] = Queue(INBOX_SIZE)
    disk = SqliteDisk(data / identity.journal_file)
    memory = Memory(disk=disk, clock=clock)
    recordings = RecordingFolder(data / RECORDINGS_FOLDER)
    keys, bodies = identity.key_ring(), data / "incoming"
    intake = Intake(memory=memory, node=identity.node, keys=keys, folder=bodies, clock=clock, random=dice)
    sounding = _make_sounding(memory, recordings, sink, clock, data)
    voice = Voice(node=identity.node, boot_id=_boot_id(), key=key, clock=clock)
    courier = _make_courier(identity.mqtt, voice, inbox)
    fetcher = HttpFetcher(identity.base_url, node=identity.node, key=key, clock=clock)
    downloads = BackgroundDownloads(fetcher, inbox=inbox, clock=clock)
    fetching = Fetching(
        memory=memory,
        intake=intake,
        sounding=sounding,
        recordings=recordings,
        downloads=downloads,
        clock=clock,
    )
    telling = Telling(
        voice=voice,
        memory=memory,
        disk=disk,
        courier=courier,
        clock=clock,
        random=dice,
        sounding=lambda: sounding.sounding,
        missing=lambda: fetching.missing,
        free_bytes=recordings.free_bytes,
    )
    return Agent(
        inbox=inbox,
        memory=memory,
        disk=disk,
        intake=intake,
        sounding=sounding,
        fetching=fetching,
        telling=telling,
        courier=courier,
        downloads=downloads,
        clock=clock,
    )


def _make_sounding(
    memory: Memory, recordings: RecordingFolder, sink: str, clock: SystemTime, data: Path
) -> Sounding:
    listeners = make_listeners(sink, os.environ, clock)
    witness = Witness(listeners=listeners, open_sound=open_sound, clock=clock)
    return Sounding(
        memory=memory,
        recordings=recordings,
        open_player=partial(open_player, sink, clock),
        clock=clock,
        witness=witness,
        self_test=SelfTest(memory=memory, witness=witness, clock=clock, path=data / SELF_TEST_FILE),
    )


def _make_courier(account: enrolment.MqttAccount, voice: Voice, inbox: Queue[Arrival]) -> MqttCourier:
    broker = Broker(account.host, account.port, account.username, account.password)
    return MqttCourier(broker, will=Will(voice.state_topic, voice.will), inbox=inbox, clock=voice.clock)


def open_player(sink: str, clock: SystemTime) -> Player:
    """The output that `sink` names. Raises `PlayerUnavailableError`."""
    try:
        if sink == "default":
            from loa.audio.sounddevice_player import (  # noqa: PLC0415 -- only where there is a sound card
                SoundDevicePlayer,
                open_output,
            )

            stream = partial(open_output, None)
            return SoundDevicePlayer(clock=clock, open_stream=stream, open_sound=open_sound)
        return WavPlayer(Path(sink.removeprefix("wav:")), clock=clock, open_sound=open_sound)
    except OSError as error:
        raise PlayerUnavailableError(sink, str(error)) from error


def _boot_id() -> BootId:
    return BootId(_BOOT_ID.read_text().strip().replace("-", ""))
