"""Between the controller and a loudspeaker, in its files, and at its clock."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from loa.controller.core.certificates import Authority
from loa.node_agent.adapters.enrolment import ENROLMENT_FILE
from loa.protocol.codec import encode
from loa.protocol.ids import NodeId, sha256_hex
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Urgent
from loa.protocol.reports import Answer, Hello
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import to_ms, to_whole_ms
from tests import loopback
from tests.attacks.case import Case, Edit, Shown, Stage
from tests.attacks.forge import AREA, URGENT
from tests.attacks.hands import Broker, Card
from tests.attacks.sounds import Sample
from tests.attacks.town import APPROVERS, FRESH, VICTIM, Town
from tests.certificates import Issuer
from tests.flow.ears import make_sound
from tests.flow.times import now, seconds, soon
from tests.flow.village import Loudspeaker
from tests.machines import Keeper
from tests.waiting import wait_for

NO_TLS = Edit(
    "loa/node_agent/adapters/tls.py",
    "    context.load_verify_locations(cadata=authority)\n    return context\n",
    "    context.check_hostname = False\n    context.verify_mode = ssl.CERT_NONE\n    return context\n",
)
NO_DIGEST = (
    Edit("loa/node_agent/adapters/http.py", "    if found != job.sha256:\n", "    if False:\n"),
    Edit(
        "loa/node_agent/adapters/recordings.py",
        "        return digest_of(path) == recording\n",
        "        return True\n",
    ),
)
BELIEVED_CLOCK = (
    Edit(
        "loa/node_agent/core/clock.py",
        "    if before.is_live:\n        return before\n    if before.source is None:\n",
        "    if True:\n",
    ),
    Edit(
        "loa/node_agent/core/clock.py",
        "    system_s = facts.system_s - facts.boot_s\n",
        "    if before.source is ClockSource.ANSWER:\n        return before\n"
        "    system_s = facts.system_s - facts.boot_s\n",
    ),
)


def man_in_the_middle(stage: Stage, sample: Sample) -> Shown:
    """The network leads the loudspeaker to a broker whose certificate is from another authority.

    The one there has the controller's key and an alarm that people approved, and needs but be listened to.
    """
    town, node = stage.town, stage.town.node(VICTIM)
    with _other_broker(town) as (other, card), _led_astray(node, other.port):
        node.kill()
        before = len(node.log())
        begins = soon(10)  # by then it has been switched on
        entry = stage.forger.entry(stage.forger.broadcast(sample, at=begins))
        other.publish(card, str(URGENT), stage.forger.urgent(entry))
        node.start()
        wait_for(
            lambda: any(word in node.log()[before:] for word in ("verify failed", "event=taken_in")),
            what="the loudspeaker has met the other broker",
            within_s=60,
        )
        told = "certificate verify failed" in node.log()[before:]
        if told:
            town.awaits_absence(VICTIM)
        else:
            node.ear.waits_until(begins + seconds(2))
    back = len(node.log())
    node.restart()
    town.awaits_back(VICTIM, back)

    def find() -> str:
        assert told, "the loudspeaker took the other broker for ours"
        return f"log of {VICTIM}: certificate verify failed; the console: not connected"

    return find


def swapped_recording(stage: Stage, sample: Sample) -> Shown:
    """A genuine alarm, whose sound was replaced on the controller's disk after people had approved it."""
    town = stage.town
    genuine = make_sound(town.folder / f"swapped-{to_ms(now())}.wav", 3, seed=to_ms(now()))
    recording = town.office.upload(genuine)
    [path] = (town.data / "recordings").rglob(f"{recording}.ogg")
    whole = path.read_bytes()
    path.write_bytes(sample.content + b"\0" * (len(whole) - len(sample.content)))
    announced = town.genuinely(recording)
    find = stage.refused(VICTIM, sha256_hex(path.read_bytes()), "wrong_digest")

    def found() -> str:
        try:
            return find()
        finally:
            town.office.withdraw(announced)
            path.write_bytes(whole)

    return found


def last_year(stage: Stage, sample: Sample) -> Shown:
    """A loudspeaker with a fresh disk, whose clock has no battery and shows that very hour."""
    town, node = stage.town, stage.town.node(FRESH)
    at = to_whole_ms(now() - timedelta(days=365))
    begins = at.replace(microsecond=0) + seconds(3)
    broadcast = stage.forger.broadcast(sample, at=begins, created_at=at)
    entry = stage.forger.entry(broadcast, issued_at=at)
    said = Urgent(area=AREA, version=to_ms(at), issued_at=at, entries=(entry,))
    payload = encode(URGENT, said, town.key)
    stage.overwrite(URGENT, payload)
    node.start(at=at, keeper=Keeper.NOBODY)

    def find() -> str:
        try:
            node.says("event=configured", since=0)
            stage.enter()
            stage.overwrite(URGENT, payload)  # by now it listens, and the controller has sent what is current
            return stage.refused(FRESH, payload, "not_current", "stale")()
        finally:
            node.ear.hears_more(seconds(2.5))
            node.kill()

    return find


def set_clock(stage: Stage, sample: Sample) -> Shown:
    """An announcement approved for tomorrow; whoever has the controller's key says that it is tomorrow."""
    town, tomorrow = stage.town, soon(86_400)
    broadcast = stage.forger.broadcast(sample, at=tomorrow, class_=BroadcastClass.PRIORITY)
    entry = stage.forger.entry(broadcast, stage.forger.by(APPROVERS[0], broadcast))
    stage.overwrite(URGENT, stage.forger.urgent(entry))
    with town.deaf():
        _answer_in_its_place(stage, tomorrow - seconds(1))

    def find() -> str:
        wait_for(
            lambda: town.problems(VICTIM, "clock_disagrees", stage.since),
            what="the clock's disagreement",
            within_s=30,
        )
        return f"incident at {VICTIM}: clock_disagrees"

    return find


def _answer_in_its_place(stage: Stage, at: datetime) -> None:
    """Tell a loudspeaker that has just been switched on that it is some other time, until it has heard."""
    town, node = stage.town, stage.town.node(VICTIM)
    before, told = len(node.log()), 0
    topic = str(Topic(Channel.HELLO, NodeId(VICTIM)))
    hellos = stage.broker.overhear(town.controller_card("accomplice"), (topic,))
    node.restart()

    def is_answered() -> bool:
        nonlocal told
        for line in hellos.lines()[told:]:
            _answer(stage, Hello.from_bytes(stage.forger.content(line.partition(" ")[2].encode())), at)
            told += 1
        return "event=answered" in node.log()[before:]

    wait_for(is_answered, what="the loudspeaker heard the time", within_s=60)
    hellos.end()
    if "event=clock_jumped" in node.log()[before:]:
        node.ear.hears_more(seconds(3))


def _answer(stage: Stage, hello: Hello, at: datetime) -> None:
    topic = Topic(Channel.ANSWER, hello.node)
    said = Answer(
        node=hello.node, nonce=hello.nonce, at=to_whole_ms(at), config=hello.config, current=hello.held
    )
    payload = encode(topic, said, stage.town.key)
    stage.broker.publish(stage.master, str(topic), payload, retain=False)


@contextmanager
def _other_broker(town: Town) -> Iterator[tuple[Broker, Card]]:
    """A Mosquitto of the attacker's, with a certificate for the same names by an authority of his own."""
    folder = town.folder / "middle"
    folder.mkdir()
    issuer = Issuer(folder, Authority.make(datetime.now(UTC)))
    server, authority = issuer.server(), folder / "authority.crt"
    authority.write_text(issuer.authority.pem)
    port = loopback.free_port("127.0.0.1")
    conf = folder / "mosquitto.conf"
    conf.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"
        f"cafile {authority}\ncertfile {server}\nkeyfile {server}\n"
    )
    with subprocess.Popen(["mosquitto", "-c", str(conf)], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: loopback.is_open("127.0.0.1", port), what="the other broker")
            card = issuer.client("anybody")
            yield Broker("127.0.0.1", port), Card(authority, card, card)
        finally:
            process.kill()


@contextmanager
def _led_astray(node: Loudspeaker, port: int) -> Iterator[None]:
    """What its enrolment names is found elsewhere, as by a forged answer of the DNS."""
    path = node.data / ENROLMENT_FILE
    kept = path.read_bytes()
    found = json.loads(kept)
    found["mqtt"] |= {"host": "127.0.0.1", "port": port}
    path.write_text(json.dumps(found))
    try:
        yield
    finally:
        path.write_bytes(kept)


CASES = (
    Case("swapped-recording", "another sound in the file of an approved one", swapped_recording, NO_DIGEST),
)
SLOW = (
    Case(
        "last-year",
        "last year's alarm to a fresh disk without a clock",
        last_year,
        unbroken="without the time it fetches nothing and knows no area; by the time the alarm is a year old",
    ),
    Case("set-clock", "the controller's key says that it is tomorrow", set_clock, BELIEVED_CLOCK),
    Case(
        "man-in-the-middle",
        "a broker of another authority in the place of ours",
        man_in_the_middle,
        (NO_TLS,),
    ),
)
