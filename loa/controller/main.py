"""The command `loa-controller`, and the one place that builds adapters and wires services."""

import os
import secrets
import sys
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import typer
from fastapi import FastAPI

from loa.audio.prepare import prepare
from loa.audio.reading import read_out
from loa.audio.recording import Limits
from loa.audio.speak import EspeakSpeaker, PiperSpeaker, Speaker, Speakers
from loa.controller import commands, release_commands
from loa.controller.adapters.broker import ChildBroker, FileBroker
from loa.controller.adapters.courier import BrokerAddress, PahoCourier
from loa.controller.adapters.events import EventHub
from loa.controller.adapters.rights_file import SignedRightsFile
from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.api.app import create_app
from loa.controller.clock import SystemClock
from loa.controller.composition import Controller, Part, Reach
from loa.controller.core.broker_rules import BrokerUser, Listener, controller_user, hash_password
from loa.controller.demo.run import demo
from loa.controller.gate import Gate
from loa.controller.release_commands import make_releases
from loa.controller.services.areas import Areas
from loa.controller.services.attempts import Attempts
from loa.controller.services.audit import Audit
from loa.controller.services.broadcasts import Broadcasts
from loa.controller.services.broker_users import broker_users
from loa.controller.services.bulletins import Bulletins
from loa.controller.services.hashing import PasswordHasher
from loa.controller.services.hellos import Hellos
from loa.controller.services.idempotency import Idempotency
from loa.controller.services.identities import IdentityWatch
from loa.controller.services.inbox import Inbox
from loa.controller.services.ingest import Ingest
from loa.controller.services.jobs import Jobs, standing_jobs
from loa.controller.services.log import Log, LogTimes
from loa.controller.services.mailbox import Mailbox
from loa.controller.services.metrics import Metrics
from loa.controller.services.nodes import Nodes
from loa.controller.services.people import People
from loa.controller.services.placing import Placing
from loa.controller.services.presence import Presences
from loa.controller.services.previews import Previews
from loa.controller.services.proofs import Proofs
from loa.controller.services.publisher import Publisher
from loa.controller.services.readiness import Readiness
from loa.controller.services.recordings import Recordings
from loa.controller.services.retention import Periods, Retention
from loa.controller.services.rollouts import Rollouts
from loa.controller.services.sessions import Sessions
from loa.controller.services.silences import Silences
from loa.controller.services.spare_rights import RightsKeeper
from loa.controller.services.standing_messages import StandingMaker, StandingMessages
from loa.controller.services.withdrawals import Withdrawals
from loa.controller.serving import listening, living, serve
from loa.controller.settings import BrokerMode, Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.controller.web import pages

CONTROLLER_USER = "controller"
THREADS_TAKE_TURNS_S = 0.0005
"""Python's own 5 ms would add up, from thread to thread, on an emergency's way to the broker."""
SALT_BYTES = 12
READ_OUT_GROWTH = 10
"""Numbers and abbreviations grow so much at most when they are read out."""


def run() -> None:
    """The console script."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="The broadcast controller of Loa.",
    )
    app.command("serve")(serve_controller)
    app.command("demo")(run_demo)
    commands.add_to(app)
    release_commands.add_to(app)
    app()


def serve_controller() -> None:
    """Answer people and nodes until told to stop; takes its settings from the environment."""
    with commands.told():
        settings = commands.read_settings()
        sys.setswitchinterval(THREADS_TAKE_TURNS_S)
        with DataFolder(settings.data_dir).held():
            controller = build(settings)
            serve(application(controller, settings), settings, before_end=controller.release_pages)


def run_demo() -> None:
    """Play an announcement, an emergency and a STOP to a small commune, and judge what sounded."""
    raise typer.Exit(demo(os.environ))


def application(controller: Controller, settings: Settings) -> FastAPI:
    """API and pages over a controller, which they start and stop."""
    app = create_app(controller, life=living(controller), body_limit_bytes=settings.request_limit_bytes)
    pages.mount(app, controller, upload_bytes=settings.upload_limit_bytes)
    return app


def build(settings: Settings) -> Controller:
    """Everything wired, nothing started; raises a `ControllerError` with what to do."""
    base = _Base(settings)
    air = _Air(base)
    people = _People(base, air)
    announcements = _Announcements(base, air)
    return Controller(
        db=base.db,
        clock=base.clock,
        key=base.key,
        reach=_reach(settings),
        gate=people.gate,
        metrics=base.metrics,
        people=people.people,
        sessions=people.sessions,
        areas=people.areas,
        nodes=people.nodes,
        audit=base.audit,
        idempotency=Idempotency(clock=base.clock),
        recordings=announcements.recordings,
        standing=announcements.standing,
        bulletins=announcements.bulletins,
        broadcasts=announcements.broadcasts,
        inbox=announcements.inbox,
        previews=announcements.previews,
        withdrawals=announcements.withdrawals,
        publisher=air.publisher,
        courier=air.courier,
        silences=air.silences,
        rights=air.rights,
        releases=make_releases(settings, base.db, base.clock, base.audit),
        rollouts=air.rollouts,
        log=air.log,
        proofs=Proofs(journal=air.journal),
        events=base.events,
        readiness=air.readiness,
        release_pages=base.events.close,
        parts=(*air.parts, *_standing_parts(announcements.standing, settings)),
    )


class _Base:
    """What everything else stands on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = DataFolder(settings.data_dir)
        self.key = self.folder.read_key()
        self.db = Database(settings.database)
        self.clock = SystemClock()
        self.ids: Callable[[], str] = lambda: uuid.uuid4().hex
        self.metrics = Metrics()
        self.events = EventHub(metrics=self.metrics)
        self.audit = Audit(clock=self.clock)


class _Air:
    """The way to the nodes and back."""

    def __init__(self, base: _Base) -> None:
        db, clock, metrics, events = base.db, base.clock, base.metrics, base.events
        settings, key = base.settings, base.key
        password = secrets.token_urlsafe(32)
        mailbox = Mailbox(limit=settings.mailbox_limit, metrics=metrics)
        journal = self.journal = FileSilenceJournal(base.folder.silences)
        self.broker = _broker(base, password)
        self.courier = _courier(base, password, mailbox)
        self.rights = RightsKeeper(db=db, clock=clock, file=SignedRightsFile(base.folder.rights, key=key))
        self.log = Log(db=db, clock=clock, events=events, times=_log_times(settings))
        self.publisher = Publisher(
            db=db,
            clock=clock,
            key=key,
            courier=self.courier,
            journal=journal,
            metrics=metrics,
            expect=self.log.expect,
        )
        self.presences = Presences(db=db, clock=clock, events=events, metrics=metrics)
        self.silences = Silences(
            db=db,
            clock=clock,
            ids=base.ids,
            journal=journal,
            publisher=self.publisher,
            rights=self.rights,
            events=events,
            audit=base.audit,
            metrics=metrics,
        )
        self.rollouts = Rollouts(
            db=db, clock=clock, audit=base.audit, publisher=self.publisher, events=events
        )
        self.ingest = self._ingest(base, mailbox)
        self.jobs = self._jobs(base)
        self.readiness = Readiness(db=db, courier=self.courier, publisher=self.publisher, jobs=self.jobs)
        self.parts = self._parts(base, journal)

    def _ingest(self, base: _Base, mailbox: Mailbox) -> Ingest:
        hellos = Hellos(
            db=base.db,
            clock=base.clock,
            courier=self.courier,
            publisher=self.publisher,
            metrics=base.metrics,
            identities=IdentityWatch(db=base.db, clock=base.clock, events=base.events),
        )
        return Ingest(
            db=base.db,
            clock=base.clock,
            mailbox=mailbox,
            courier=self.courier,
            hellos=hellos,
            presences=self.presences,
            events=base.events,
            metrics=base.metrics,
        )

    def _jobs(self, base: _Base) -> Jobs:
        retention = Retention(db=base.db, clock=base.clock, periods=_periods(base.settings))
        jobs = standing_jobs(
            renew_rights=self.rights.renew,
            mark_missed=self.log.mark_missed,
            age=self.presences.age,
            expect_all=self.log.expect_all,
            refresh=self.publisher.refresh,
            tidy=retention.tidy,
            roll_out=self.rollouts.advance,
        )
        return Jobs(jobs=jobs, metrics=base.metrics)

    def _parts(self, base: _Base, journal: FileSilenceJournal) -> tuple[Part, ...]:
        connect = partial(self.courier.start, on_connect=self.publisher.connected)
        return (
            Part(name="database", start=base.db.migrate, stop=base.db.close),
            Part(name="journal of silences", start=_nothing, stop=journal.close),
            Part(name="broker", start=self.broker.start, stop=self.broker.stop),
            Part(name="publisher", start=self.publisher.start, stop=self.publisher.stop),
            Part(name="silences", start=self.silences.start, stop=self.silences.stop),
            Part(name="ingest", start=self.ingest.start, stop=self.ingest.stop),
            Part(name="courier", start=connect, stop=self.courier.stop),
            Part(name="jobs", start=self.jobs.start, stop=self.jobs.stop),
        )


class _People:
    """Areas, people and nodes."""

    def __init__(self, base: _Base, air: _Air) -> None:
        clock, audit, settings = base.clock, base.audit, base.settings
        hasher = PasswordHasher()
        attempts = Attempts(clock=clock)
        self.people = People(clock=clock, audit=audit, hasher=hasher)
        self.sessions = Sessions(
            db=base.db,
            clock=clock,
            audit=audit,
            hasher=hasher,
            attempts=attempts,
            lasting=settings.session_lasting,
        )
        self.areas = Areas(clock=clock, audit=audit, publisher=air.publisher, access=air.broker)
        self.nodes = Nodes(
            clock=clock,
            audit=audit,
            areas=self.areas,
            publisher=air.publisher,
            access=air.broker,
            attempts=attempts,
            code_lasting=settings.code_lasting,
        )
        self.gate = Gate(
            db=base.db,
            clock=clock,
            sessions=self.sessions,
            nodes=self.nodes,
            secure_cookies=settings.address.startswith("https:"),
        )


class _Announcements:
    """From the sound to its place in programmes."""

    def __init__(self, base: _Base, air: _Air) -> None:
        clock, audit, settings = base.clock, base.audit, base.settings
        placing = Placing(publisher=air.publisher, events=base.events)
        self.recordings = _recordings(base)
        self.standing = StandingMessages(
            db=base.db,
            clock=clock,
            audit=audit,
            recordings=self.recordings,
            publisher=air.publisher,
        )
        self.bulletins = Bulletins(clock=clock, ids=base.ids, audit=audit, events=base.events)
        self.broadcasts = Broadcasts(
            clock=clock,
            key=base.key,
            bulletins=self.bulletins,
            audit=audit,
            placing=placing,
            lead=timedelta(milliseconds=settings.emergency_lead_ms),
            approve_own=settings.approve_own,
        )
        self.inbox = Inbox(clock=clock, broadcasts=self.broadcasts, audit=audit, placing=placing)
        lead = timedelta(milliseconds=settings.emergency_lead_ms)
        self.previews = Previews(clock=clock, key=base.key, journal=air.journal, lead=lead)
        self.withdrawals = Withdrawals(
            clock=clock, ids=base.ids, broadcasts=self.broadcasts, audit=audit, placing=placing
        )


def _standing_parts(standing: StandingMessages, settings: Settings) -> tuple[Part, ...]:
    if not settings.make_standing_messages:
        return ()
    maker = StandingMaker(standing)
    return (Part(name="standing messages", start=maker.start, stop=maker.stop),)


def _recordings(base: _Base) -> Recordings:
    settings = base.settings
    limits = Limits(max_bytes=settings.upload_limit_bytes, max_duration_ms=settings.recording_limit_ms)
    longest = settings.speech_limit_characters
    return Recordings(
        db=base.db,
        clock=base.clock,
        ids=base.ids,
        audit=base.audit,
        folder=base.folder.recordings,
        prepare=prepare,
        speaker=_speaker(settings),
        read_out=partial(read_out, limit=longest),
        limits=limits,
        at_once=settings.prepare_at_once,
    )


def _speaker(settings: Settings) -> Speaker:
    limit = settings.speech_limit_characters * READ_OUT_GROWTH
    espeak = EspeakSpeaker(speed_wpm=settings.speech_words_a_minute, limit=limit)
    piper = PiperSpeaker(settings.piper_voices, program=settings.piper_program, limit=limit)
    return Speakers(piper, espeak)


def _broker(base: _Base, password: str) -> FileBroker:
    settings = base.settings
    controller = controller_user(CONTROLLER_USER, hash_password(password, secrets.token_bytes(SALT_BYTES)))

    def users() -> Sequence[BrokerUser]:
        return [controller, *broker_users(base.db)]

    kind = ChildBroker if settings.broker_mode is BrokerMode.CHILD else FileBroker
    return kind(
        folder=settings.broker_folder or base.folder.broker,
        listeners=[Listener(host, settings.broker_port) for host in listening(settings.broker_listen)],
        users=users,
    )


def _courier(base: _Base, password: str, mailbox: Mailbox) -> PahoCourier:
    settings = base.settings
    address = BrokerAddress(
        host=settings.broker_host,
        port=settings.broker_port,
        username=CONTROLLER_USER,
        password=password,
        tls=settings.broker_tls,
    )
    return PahoCourier(address=address, key=base.key, receive=mailbox.put, metrics=base.metrics)


def _log_times(settings: Settings) -> LogTimes:
    return LogTimes(
        horizon=timedelta(hours=settings.log_horizon_hours),
        grace=timedelta(minutes=settings.log_grace_minutes),
    )


def _periods(settings: Settings) -> Periods:
    lines = settings.keep_log_days
    return Periods(
        plays=timedelta(days=settings.keep_plays_days),
        lines=None if lines is None else timedelta(days=lines),
        answers=timedelta(hours=settings.keep_answers_hours),
        health=timedelta(days=settings.keep_health_days),
    )


def _reach(settings: Settings) -> Reach:
    return Reach(
        base_url=settings.address,
        mqtt_host=settings.broker_public_host or urlsplit(settings.address).hostname or "localhost",
        mqtt_port=settings.broker_public_port or settings.broker_port,
        release_keys=settings.release_keys,
    )


def _nothing() -> None:
    """What is open from the beginning needs no start."""
