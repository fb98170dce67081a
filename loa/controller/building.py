"""Building the controller: every adapter, service and job, from the settings."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from loa.audio.peaks import read_peaks
from loa.audio.prepare import prepare
from loa.audio.reading import read_out
from loa.audio.recording import Limits
from loa.controller.adapters.events import EventHub
from loa.controller.adapters.rights_file import SignedRightsFile
from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.adapters.syslog import SyslogSender, address_of
from loa.controller.archive import Archive
from loa.controller.clock import SystemClock
from loa.controller.composition import Controller, Part
from loa.controller.gate import Gate
from loa.controller.mailing import mail_job, make_mail, recovery_mail_job
from loa.controller.meant import log_times, periods, reach
from loa.controller.ports import Clock
from loa.controller.release_commands import make_releases
from loa.controller.root_commands import make_papers
from loa.controller.root_files import root_of
from loa.controller.services.alarms import Alarms
from loa.controller.services.alerts import Alerts
from loa.controller.services.areas import Areas
from loa.controller.services.attempts import Attempts
from loa.controller.services.audit import Audit
from loa.controller.services.backups import Backups
from loa.controller.services.broadcasts import Broadcasts
from loa.controller.services.bulletins import Bulletins
from loa.controller.services.certificates import Certificates, Renewals
from loa.controller.services.divergences import Divergences
from loa.controller.services.emergencies import Emergencies
from loa.controller.services.feeds import Feeds
from loa.controller.services.hellos import Hellos
from loa.controller.services.idempotency import Idempotency
from loa.controller.services.identities import IdentityWatch
from loa.controller.services.inbox import Inbox
from loa.controller.services.ingest import Ingest
from loa.controller.services.jobs import Job, Jobs, standing_jobs
from loa.controller.services.log import Log
from loa.controller.services.log_reports import LogReports
from loa.controller.services.mailbox import Mailbox
from loa.controller.services.metrics import Metrics
from loa.controller.services.nodes import Nodes
from loa.controller.services.peaks import Peaks
from loa.controller.services.placing import Placing
from loa.controller.services.policy_effects import PolicyEffects
from loa.controller.services.presence import Presences
from loa.controller.services.previews import Previews
from loa.controller.services.profiles import Profiles
from loa.controller.services.proofs import Proofs
from loa.controller.services.publisher import Publisher
from loa.controller.services.readiness import Readiness
from loa.controller.services.recordings import Recordings
from loa.controller.services.reshapes import Reshapes
from loa.controller.services.retention import Retention
from loa.controller.services.rollouts import Rollouts
from loa.controller.services.saved_filters import SavedFilters
from loa.controller.services.setup import Setup
from loa.controller.services.signatures import Signatures
from loa.controller.services.silences import Silences
from loa.controller.services.spare_rights import RightsKeeper
from loa.controller.services.standing_messages import StandingMaker, StandingMessages
from loa.controller.services.timelines import Timelines
from loa.controller.services.today import Days
from loa.controller.services.trail import TrailKeeper
from loa.controller.services.uploads import Uploads
from loa.controller.services.whereabouts import WhereaboutsKeeper
from loa.controller.services.withdrawals import Withdrawals
from loa.controller.settings import Settings
from loa.controller.signing_in import make_passkeys, make_signing_in
from loa.controller.speaking import make_speaker
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.controller.store.heads import HeadFile
from loa.controller.store.uploads import UploadFolder
from loa.controller.trust_parts import make_broker_parts, make_web_tls, tls_jobs

_log = structlog.get_logger(__name__)


def build(settings: Settings, *, clock: Clock | None = None) -> Controller:
    """Everything wired, nothing started; raises a `ControllerError` with what to do.

    `clock` is the machine's own if no other is given.
    """
    base = _Base(settings, clock or SystemClock())
    air = _Air(base)
    people = _People(base, air)
    announcements = _Announcements(base, air)
    started = _house(base, people)
    return started(
        recordings=air.recordings,
        uploads=air.uploads,
        peaks=Peaks(recordings=air.recordings, draw=read_peaks),
        standing=announcements.standing,
        bulletins=announcements.bulletins,
        broadcasts=announcements.broadcasts,
        alarms=announcements.alarms,
        emergencies=announcements.emergencies,
        inbox=announcements.inbox,
        previews=announcements.previews,
        days=Days(
            clock=base.clock,
            journal=air.journal,
            alerts=announcements.alerts,
            changes=base.events.told,
        ),
        timelines=announcements.timelines,
        policy_effects=PolicyEffects(clock=base.clock, journal=air.journal),
        feeds=announcements.feeds,
        withdrawals=announcements.withdrawals,
        publisher=air.publisher,
        courier=air.courier,
        silences=air.silences,
        rights=air.rights,
        releases=make_releases(settings, base.db, base.clock, base.audit),
        rollouts=air.rollouts,
        log=air.log,
        alerts=announcements.alerts,
        mail=announcements.mail,
        log_reports=LogReports(clock=base.clock),
        saved_filters=SavedFilters(clock=base.clock, ids=base.ids),
        proofs=Proofs(journal=air.journal),
        events=base.events,
        readiness=air.readiness,
        release_pages=base.events.close,
        tls=None if base.tls is None else base.tls.context,
        parts=(*air.parts, *people.parts, *_standing_parts(announcements.standing, settings)),
    )


def _house(base: "_Base", people: "_People") -> Callable[..., Controller]:
    """What does not depend on announcements: people, areas, nodes."""
    return partial(
        Controller,
        db=base.db,
        clock=base.clock,
        key=base.key,
        reach=reach(base.settings),
        gate=people.gate,
        metrics=base.metrics,
        people=people.people,
        sessions=people.sessions,
        setup=people.setup,
        backups=people.backups,
        settings=base.settings.shown(),
        second=people.signing_in.second,
        recoveries=people.signing_in.recoveries,
        divergences=base.divergences,
        invitations=people.signing_in.invitations,
        profiles=people.profiles,
        passkeys=people.passkeys,
        papers=people.papers,
        areas=people.areas,
        reshapes=people.reshapes,
        nodes=people.nodes,
        certificates=people.certificates,
        renewals=people.renewals,
        whereabouts=WhereaboutsKeeper(clock=base.clock, audit=base.audit),
        audit=base.audit,
        trail=base.trail,
        idempotency=Idempotency(clock=base.clock),
    )


class _Base:
    """What everything else stands on."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.folder = DataFolder(settings.data_dir)
        self.key = self.folder.read_key()
        self.db = Database(settings.database)
        self.clock = clock
        self.machine_clock = (
            SystemClock()
        )  # by which TLS judges certificates, whatever the controller goes by
        self.authority = self.folder.make_authority(self.machine_clock.now())
        self.tls = make_web_tls(settings, self.folder, self.authority, self.machine_clock)
        self.ids: Callable[[], str] = lambda: uuid.uuid4().hex
        self.metrics = Metrics()
        self.events = EventHub(metrics=self.metrics)
        self.trail = _trail(self)
        self.audit = Audit(clock=self.clock, noted=self.trail.wake)
        self.divergences = Divergences(db=self.db, clock=clock, events=self.events, metrics=self.metrics)


class _Air:
    """The way to the nodes and back."""

    def __init__(self, base: _Base) -> None:
        db, clock, metrics, events = base.db, base.clock, base.metrics, base.events
        settings, key = base.settings, base.key
        mailbox = Mailbox(limit=settings.mailbox_limit, metrics=metrics)
        journal = self.journal = FileSilenceJournal(base.folder.silences)
        parts = self.broker_parts = make_broker_parts(
            settings,
            folder=base.folder,
            db=db,
            clock=base.machine_clock,
            authority=base.authority,
            key=key,
            mailbox=mailbox,
            metrics=metrics,
        )
        self.broker, self.courier = parts.broker, parts.courier
        self.rights = RightsKeeper(db=db, clock=clock, file=SignedRightsFile(base.folder.rights, key=key))
        self.log = Log(db=db, clock=clock, events=events, times=log_times(settings))
        self.publisher = Publisher(
            db=db,
            clock=clock,
            key=key,
            courier=self.courier,
            journal=journal,
            metrics=metrics,
            expect=self.log.expect,
            address=reach(settings).address,
            successions=settings.root_successions,
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
        self.recordings = _recordings(base)
        self.uploads = _uploads(base, self.recordings)
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
        kept = periods(base.settings)
        retention = Retention(db=base.db, clock=base.clock, periods=kept, others=[self.uploads.expire])
        jobs = standing_jobs(
            renew_rights=self.rights.renew,
            mark_missed=self.log.mark_missed,
            age=self.presences.age,
            compare=base.divergences.watch,
            expect_all=self.log.expect_all,
            refresh=self.publisher.refresh,
            tidy=retention.tidy,
            roll_out=self.rollouts.advance,
            check_trail=base.trail.check,
        )
        return Jobs(jobs=[*jobs, *self.broker_parts.jobs(), *tls_jobs(base.tls)], metrics=base.metrics)

    def _parts(self, base: _Base, journal: FileSilenceJournal) -> tuple[Part, ...]:
        connect = partial(self.courier.start, on_connect=self.publisher.connected)
        return (
            Part(name="database", start=base.db.begin, stop=base.db.close),
            Part(name="audit trail", start=base.trail.start, stop=base.trail.stop),
            Part(name="journal of silences", start=_nothing, stop=journal.close),
            *(() if base.tls is None else (Part(name="tls", start=base.tls.start, stop=_nothing),)),
            Part(name="own certificate", start=self.broker_parts.pem.keep, stop=_nothing),
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
        signing_in = self.signing_in = make_signing_in(
            settings, base.db, clock, audit, look_again=base.events.look_again, metrics=base.metrics
        )
        self.people, self.sessions = signing_in.people, signing_in.sessions
        air.jobs.add(recovery_mail_job(settings, db=base.db, clock=clock, people=self.people))
        self.profiles = Profiles(audit=audit)
        air.jobs.add(
            Job(
                name="sessions",
                run=self.sessions.keep_seen,
                every_s=300,
                grace_s=300,
                why="the next run writes down what is newer",
            )
        )
        self.passkeys = make_passkeys(settings, clock=clock, ids=base.ids, audit=audit)
        self.papers = make_papers(settings, clock=clock, audit=audit, publisher=air.publisher)
        self.areas = Areas(clock=clock, audit=audit, publisher=air.publisher, access=air.broker)
        self.reshapes = Reshapes(clock=clock, audit=audit, areas=self.areas)
        self.setup = self._setup(base, signing_in.attempts)
        self.backups = Backups(
            db=base.db,
            clock=clock,
            audit=audit,
            folder=base.folder.backups,
            write=Archive(settings).write,
        )
        self.parts = (
            Part(name="setup", start=self.setup.start, stop=_nothing),
            Part(name="backups", start=_nothing, stop=self.backups.stop),
        )
        self.certificates = Certificates(authority=base.authority, clock=base.machine_clock)
        self.renewals = Renewals(
            certificates=self.certificates, key=base.key, clock=clock, attempts=signing_in.attempts
        )
        self.nodes = self._nodes(base, air)
        self.gate = Gate(db=base.db, clock=clock, sessions=self.sessions, nodes=self.nodes)

    def _nodes(self, base: _Base, air: _Air) -> Nodes:
        return Nodes(
            clock=base.clock,
            audit=base.audit,
            areas=self.areas,
            publisher=air.publisher,
            access=air.broker,
            events=base.events,
            attempts=self.signing_in.attempts,
            certificates=self.certificates,
            code_lasting=base.settings.code_lasting,
        )

    def _setup(self, base: _Base, attempts: Attempts) -> Setup:
        return Setup(
            db=base.db,
            clock=base.clock,
            people=self.people,
            areas=self.areas,
            sessions=self.sessions,
            attempts=attempts,
            tell=partial(_tell_setup, base.settings.address),
        )


class _Announcements:
    """From the sound to its place in programmes."""

    def __init__(self, base: _Base, air: _Air) -> None:
        clock, audit, settings = base.clock, base.audit, base.settings
        placing = Placing(publisher=air.publisher, events=base.events)
        self.standing = StandingMessages(
            db=base.db,
            clock=clock,
            audit=audit,
            recordings=air.recordings,
            publisher=air.publisher,
        )
        self.bulletins = Bulletins(clock=clock, ids=base.ids, audit=audit, events=base.events)
        self.broadcasts = Broadcasts(
            clock=clock,
            key=base.key,
            bulletins=self.bulletins,
            audit=audit,
            placing=placing,
            signatures=Signatures(clock=clock, root=root_of(settings)),
            lead=timedelta(milliseconds=settings.emergency_lead_ms),
        )
        self.alarms = Alarms(
            db=base.db,
            bulletins=self.bulletins,
            broadcasts=self.broadcasts,
            recordings=air.recordings,
            standing=self.standing,
        )
        self.emergencies = Emergencies(clock=clock, broadcasts=self.broadcasts)
        self.alerts = Alerts(clock=clock, bulletins=self.bulletins, diverging=base.divergences.since)
        self.mail = make_mail(settings, db=base.db, clock=clock, alerts=self.alerts)
        air.jobs.add(mail_job(self.mail))
        self.inbox = Inbox(clock=clock, broadcasts=self.broadcasts, audit=audit, placing=placing)
        lead = timedelta(milliseconds=settings.emergency_lead_ms)
        self.previews = Previews(clock=clock, key=base.key, journal=air.journal, lead=lead)
        self.timelines = Timelines(clock=clock, key=base.key, journal=air.journal)
        self.feeds = Feeds(clock=clock, audit=audit, timelines=self.timelines)
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
        speaker=make_speaker(settings),
        read_out=partial(read_out, limit=longest),
        limits=limits,
        at_once=settings.prepare_at_once,
    )


def _trail(base: _Base) -> TrailKeeper:
    url = base.settings.syslog_url
    return TrailKeeper(
        db=base.db,
        clock=base.clock,
        head=HeadFile(base.folder.audit_head),
        forwarded=HeadFile(base.folder.audit_forwarded),
        sender=None if url is None else SyslogSender(address_of(url)),
    )


def _uploads(base: _Base, recordings: Recordings) -> Uploads:
    settings = base.settings
    return Uploads(
        folder=UploadFolder(base.folder.uploads),
        clock=base.clock,
        ids=base.ids,
        recordings=recordings,
        limit_bytes=settings.upload_limit_bytes,
        lasting=timedelta(hours=settings.keep_uploads_hours),
    )


def _tell_setup(address: str, code: str) -> None:
    """Only who may read the controller's terminal or log may become the first administrator."""
    _log.warning("setup.open", page=f"{address}/setup", code=code)


def _nothing() -> None:
    """What is open from the beginning needs no start."""
