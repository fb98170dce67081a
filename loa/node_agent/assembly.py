import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue

from loa.audio.clock import Clock
from loa.audio.player import Player
from loa.audio.wav_player import WavPlayer
from loa.node_agent.adapters import enrolment
from loa.node_agent.adapters.address_book import AddressBook
from loa.node_agent.adapters.courier import Broker, MqttCourier, Will
from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.adapters.downloads import BackgroundDownloads
from loa.node_agent.adapters.ears import make_listeners
from loa.node_agent.adapters.folders import passing_folder
from loa.node_agent.adapters.gpio import GpioRelay, GpioSwitch
from loa.node_agent.adapters.hardware import read_card, read_machine
from loa.node_agent.adapters.http import HttpFetcher
from loa.node_agent.adapters.kept_time import CLOCK_FILE, KeptTime
from loa.node_agent.adapters.kernel_clock import offset_and_error_ms
from loa.node_agent.adapters.machine import Machine
from loa.node_agent.adapters.modem import signal_pct
from loa.node_agent.adapters.recordings import RecordingFolder
from loa.node_agent.adapters.renewal import Renewal
from loa.node_agent.adapters.sensors import BackgroundSensors
from loa.node_agent.adapters.service_manager import ServiceManager
from loa.node_agent.adapters.sound_file import open_sound
from loa.node_agent.adapters.time_sources import LinuxTimeSources
from loa.node_agent.adapters.tls import Pass, web_context
from loa.node_agent.adapters.update_files import FileSite
from loa.node_agent.adapters.upkeep import Maintenance
from loa.node_agent.adapters.usage_file import UsageFile
from loa.node_agent.core.belief import Belief
from loa.node_agent.errors import PlayerUnavailableError
from loa.node_agent.fetching import Fetching
from loa.node_agent.intake import Intake
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Arrival, OpenPlayer, Timekeeper
from loa.node_agent.runner import Agent
from loa.node_agent.self_test import SelfTest
from loa.node_agent.sounding import Sounding
from loa.node_agent.stopping import Stopping
from loa.node_agent.telling import AGENT, Telling
from loa.node_agent.timing import Timing
from loa.node_agent.updating import Updating
from loa.node_agent.vitals import Vitals
from loa.node_agent.voice import Voice
from loa.node_agent.wired import Wired
from loa.node_agent.wiring import Wiring
from loa.node_agent.witness import Witness
from loa.protocol.ids import BootId, NodeId
from loa.protocol.keys import SigningKey

INBOX_SIZE = 2_000
RECORDINGS_FOLDER = "recordings"
SELF_TEST_FILE = "self-test.wav"
USAGE_FILE = "usage.json"
HARDWARE = Path("/")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def build(data: Path, sink: str, wiring: Wiring, versions: Path) -> Agent:
    """The agent of an enrolled data directory, with real adapters. Raises a `NodeError`."""
    ground = _lay_ground(data, sink, wiring)
    memory, clock, voice, dice = ground.memory, ground.clock, ground.voice, random.SystemRandom()
    sounding = _make_sounding(ground, sink, data)
    renewal = _make_renewal(ground, data)
    upkeep = Maintenance(ground.book, renewal, inbox=ground.inbox, clock=clock)
    courier = _make_courier(ground, upkeep.turned_away)
    downloads = _make_downloads(ground)
    intake = Intake(
        memory=memory,
        belief=Belief(node=voice.node, keys=ground.identity.key_ring(), root=ground.identity.root()),
        folder=passing_folder(data),
        clock=clock,
        random=dice,
    )
    updating = _make_updating(memory, voice, FileSite(versions, data), sounding, courier)
    fetching = Fetching(
        memory=memory,
        intake=intake,
        sounding=sounding,
        recordings=ground.recordings,
        downloads=downloads,
        clock=clock,
        random=dice,
        after_all=updating.jobs,
    )
    telling = _make_telling(ground, courier, sounding, fetching, _make_vitals(ground, data))
    return Agent(
        timing=Timing(clock=clock, memory=memory, sounding=sounding, telling=telling, random=dice),
        inbox=ground.inbox,
        memory=memory,
        disk=ground.disk,
        intake=intake,
        sounding=sounding,
        fetching=fetching,
        telling=telling,
        stopping=Stopping(memory=memory, hush=sounding.hush, clock=clock),
        wired=ground.wired,
        updating=updating,
        upkeep=upkeep,
        courier=courier,
        downloads=downloads,
        clock=clock,
        watchdog=ServiceManager(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What all parts of an agent stand on."""

    identity: enrolment.Enrolment
    shows: Pass
    book: AddressBook
    clock: KeptTime
    inbox: Queue[Arrival]
    disk: SqliteDisk
    memory: Memory
    recordings: RecordingFolder
    voice: Voice
    wired: Wired
    open_player: OpenPlayer


def _lay_ground(data: Path, sink: str, wiring: Wiring) -> _Ground:
    identity, key = enrolment.load(data)
    clock = KeptTime(LinuxTimeSources(), path=data / CLOCK_FILE, boot_id=_boot_id())
    inbox: Queue[Arrival] = Queue(INBOX_SIZE)
    disk = SqliteDisk(data / identity.journal_file)
    wired = _make_wired(wiring, inbox, clock)
    shows = enrolment.pass_of(identity, data)
    return _Ground(
        identity=identity,
        shows=shows,
        book=AddressBook(identity, shows=shows, data=data),
        clock=clock,
        inbox=inbox,
        disk=disk,
        memory=Memory(disk=disk, clock=clock),
        recordings=RecordingFolder(data / RECORDINGS_FOLDER),
        voice=_make_voice(identity.node, key, clock, data),
        wired=wired,
        open_player=partial(open_player, sink, clock, wired),
    )


def read_clock(data: Path) -> KeptTime:
    """The clock that an agent on this data directory goes by, to be looked at."""
    clock = KeptTime(LinuxTimeSources(), path=data / CLOCK_FILE, boot_id=_boot_id(), keeps=False)
    clock.look()
    return clock


def _make_voice(node: NodeId, key: SigningKey, clock: Timekeeper, data: Path) -> Voice:
    machine, card = read_machine(HARDWARE), read_card(HARDWARE, data)
    return Voice(node=node, boot_id=_boot_id(), key=key, clock=clock, machine=machine, card=card)


def _make_sounding(ground: _Ground, sink: str, data: Path) -> Sounding:
    clock, memory = ground.clock, ground.memory
    witness = Witness(listeners=make_listeners(sink, os.environ, clock), open_sound=open_sound, clock=clock)
    return Sounding(
        memory=memory,
        recordings=ground.recordings,
        open_player=ground.open_player,
        clock=clock,
        witness=witness,
        self_test=SelfTest(memory=memory, witness=witness, clock=clock, path=data / SELF_TEST_FILE),
    )


def _make_renewal(ground: _Ground, data: Path) -> Renewal:
    return Renewal(
        lambda: ground.book.here.base_url,
        node=ground.voice.node,
        key=ground.voice.key,
        authority=ground.identity.authority,
        data=data,
        clock=ground.clock,
    )


def _make_courier(ground: _Ground, turned_away: Callable[[], None]) -> MqttCourier:
    voice, book = ground.voice, ground.book
    return MqttCourier(
        lambda: Broker(book.here.mqtt_host, book.here.mqtt_port),
        node=voice.node,
        shows=ground.shows,
        will=Will(voice.state_topic, voice.will),
        inbox=ground.inbox,
        clock=voice.clock,
        turned_away=turned_away,
    )


def _make_downloads(ground: _Ground) -> BackgroundDownloads:
    voice = ground.voice
    fetcher = HttpFetcher(
        lambda: ground.book.here.base_url,
        node=voice.node,
        key=voice.key,
        context=web_context(ground.identity.authority),
        clock=ground.clock,
    )
    return BackgroundDownloads(fetcher, inbox=ground.inbox, clock=ground.clock)


def _make_wired(wiring: Wiring, inbox: Queue[Arrival], clock: Timekeeper) -> Wired:
    return Wired(
        wiring,
        open_relay=lambda pin, active_low: GpioRelay(pin, active_low=active_low),
        open_switch=lambda pin, pressed: GpioSwitch(pin, pressed=pressed),
        inbox=inbox,
        clock=clock,
    )


def _make_updating(
    memory: Memory, voice: Voice, site: FileSite, sounding: Sounding, courier: MqttCourier
) -> Updating:
    return Updating(
        memory=memory,
        site=site,
        node=voice.node,
        runs=AGENT,
        boot_id=voice.boot_id,
        pid=os.getpid(),
        clock=voice.clock,
        random=random.SystemRandom(),
        plan=lambda: sounding.plan,
        sounding=lambda: sounding.sounding,
        is_connected=lambda: courier.is_connected,
    )


def _make_telling(
    ground: _Ground, courier: MqttCourier, sounding: Sounding, fetching: Fetching, vitals: Vitals
) -> Telling:
    return Telling(
        voice=ground.voice,
        memory=ground.memory,
        courier=courier,
        clock=ground.clock,
        random=random.SystemRandom(),
        sounding=lambda: sounding.sounding,
        siren_for=lambda: sounding.siren_for,
        output=lambda: sounding.output_watch.output,
        missing=lambda: fetching.missing,
        without_room=lambda: fetching.without_room,
        free_bytes=ground.recordings.free_bytes,
        vitals=vitals,
    )


def _make_vitals(ground: _Ground, data: Path) -> Vitals:
    machine = Machine(root=Path("/"), data=data, clock=offset_and_error_ms, signal_pct=signal_pct)
    return Vitals(
        sensors=BackgroundSensors(look=machine.look, is_low=machine.under_voltage, inbox=ground.inbox),
        keeper=UsageFile(data / USAGE_FILE),
        memory=ground.memory,
        clock=ground.clock,
        boot_id=ground.voice.boot_id,
        free_bytes=ground.recordings.free_bytes,
    )


def open_player(sink: str, clock: Clock, wired: Wired) -> Player:
    """The output that `sink` names. Raises `PlayerUnavailableError`."""
    try:
        if sink == "default":
            from loa.audio.sounddevice_player import (  # noqa: PLC0415 -- only where there is a sound card
                SoundDevicePlayer,
                open_output,
            )

            stream = partial(open_output, None, block_ms=wired.block_ms)
            return wired.amplified(SoundDevicePlayer(clock=clock, open_stream=stream, open_sound=open_sound))
        return wired.amplified(WavPlayer(Path(sink.removeprefix("wav:")), clock=clock, open_sound=open_sound))
    except OSError as error:
        raise PlayerUnavailableError(sink, str(error)) from error


def _boot_id() -> BootId:
    return BootId(_BOOT_ID.read_text().strip().replace("-", ""))
