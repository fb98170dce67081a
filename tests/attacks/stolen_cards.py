"""Key and certificate of one loudspeaker are stolen, or somebody has made certificates of his own."""

import secrets
import time
from datetime import UTC, datetime

from loa.controller.core.certificates import Authority
from loa.protocol.codec import encode
from loa.protocol.ids import AreaId, BootId, JournalId, NodeId, Nonce
from loa.protocol.keys import SigningKey
from loa.protocol.programme import Version
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Held, Hello
from loa.protocol.topics import Channel, Topic
from tests.attacks.case import Case, Edit, Shown, Stage
from tests.attacks.forge import AREA, URGENT
from tests.attacks.hands import Card
from tests.attacks.sounds import Sample
from tests.attacks.town import STOLEN, VICTIM
from tests.certificates import Issuer
from tests.flow.times import now
from tests.waiting import wait_for

OUT_WITHIN_S = 60.0
_RULES, _BROKER = "loa/controller/core/broker_rules.py", "loa/controller/adapters/broker.py"
READS_ALL = Edit(_RULES, "reads=tuple(name for row, name in topics if not row.upward),", 'reads=("#",),')
WRITES_ALL = Edit(_RULES, "writes=tuple(name for row, name in topics if row.upward),", 'writes=("#",),')
NO_CERTIFICATES = (
    Edit(_RULES, '"require_certificate true",', '"require_certificate false",'),
    Edit(_RULES, '"allow_anonymous false",', '"allow_anonymous true",'),
    Edit(_RULES, '"use_identity_as_username true",', '"",'),
    Edit(_RULES, '"use_username_as_clientid true",', '"",'),
    Edit(_RULES, 'f"acl_file {files.acl}",', '"",'),
)
NOT_CUT = Edit(_BROKER, "        self.refresh()\n        self._to_cut.add(node)\n        self.sweep()\n", "")
NOT_REVOKED = Edit(_BROKER, "        self.refresh()\n        self._to_cut.add(node)\n", "        return\n")
INCREDIBLE = Edit(
    "loa/controller/core/versions.py",
    "    return version <= to_ms(now + CREDIBLE_AHEAD)\n",
    "    return True\n",
)


def hears_everything(stage: Stage, _sample: Sample) -> Shown:
    """It asks for all that there is; it gets what its own areas are told, and itself."""
    heard = stage.broker.overhear(stage.town.card(STOLEN), ("#", "loa/#", "$SYS/#"), for_s=2)
    topics = heard.to_its_end()

    def find() -> str:
        own = {f"loa/v1/nodes/{STOLEN}"} | {
            f"loa/v1/areas/{area}" for area in ("tinh-vinh-phuc", AREA, "thon-1", STOLEN)
        }
        others = [topic for topic in topics if topic.rpartition("/")[0] not in own]
        assert topics, "it heard nothing at all"
        assert not others, f"it hears {others}"
        return f"it heard {len(topics)} topics, all of them its own"

    return find


def speaks_for_the_controller(stage: Stage, sample: Sample) -> Shown:
    """The controller's key is stolen, too, but of the broker it has a loudspeaker's card alone."""
    entry = stage.forger.entry(stage.forger.broadcast(sample))
    said = stage.broker.publish(stage.town.card(STOLEN), str(URGENT), stage.forger.urgent(entry))
    return lambda: _said(said, "Not authorized")


def speaks_for_a_neighbour(stage: Stage, _sample: Sample) -> Shown:
    """A hello under another's name, with its own key."""
    hello = _hello(stage, VICTIM, version=1)
    said = stage.broker.publish(
        stage.town.card(STOLEN), str(Topic(Channel.HELLO, NodeId(VICTIM))), hello, retain=False
    )
    return lambda: _said(said, "Not authorized")


def claims_versions(stage: Stage, _sample: Sample) -> Shown:
    """If it were believed, there would be no version left in which the controller could say anything."""
    topic = Topic(Channel.HELLO, NodeId(STOLEN))
    stage.broker.publish(
        stage.town.card(STOLEN), str(topic), _hello(stage, STOLEN, version=2**53 - 1), retain=False
    )

    def find() -> str:
        log = stage.town.folder / "controller.log"
        wait_for(lambda: f"node={STOLEN}" in log.read_text(), what="an answer", within_s=20)
        return "controller's log: hello answered"

    return find


def of_another_authority(stage: Stage, sample: Sample) -> Shown:
    """A certificate in the controller's name, by an authority of the attacker's own."""
    folder = stage.town.folder / "other"
    folder.mkdir(exist_ok=True)
    path = Issuer(folder, Authority.make(datetime.now(UTC))).client("loa-controller")
    card = Card(stage.town.card(STOLEN).authority, path, path)
    entry = stage.forger.entry(stage.forger.broadcast(sample))
    said = stage.broker.publish(card, str(URGENT), stage.forger.urgent(entry))
    return lambda: _said(said, "")


def on_a_bare_socket(stage: Stage, _sample: Sample) -> Shown:
    """MQTT in the clear, noise, and a packet that claims to be of 256 MB."""
    connect = bytes.fromhex("101000044d515454040200000004") + b"loa1"
    tries = (connect, secrets.token_bytes(4096), bytes.fromhex("30ffffff7f"))
    answers = [stage.broker.raw(content) for content in tries]
    assert not any(answer.startswith(b"\x20") for answer in answers), "the broker answered in the clear"
    return lambda: "hung up on"


def revoked(stage: Stage, _sample: Sample) -> Shown:
    """The thief listens when its card is declared stolen, and comes again afterwards."""
    town, card = stage.town, stage.town.card(STOLEN)
    thief = stage.broker.overhear(card, (str(URGENT),))
    wait_for(thief.topics, what="the thief hears what is kept for the area")
    town.office.admin.delete(f"/nodes/{STOLEN}")
    began_s = time.monotonic()

    def find() -> str:
        try:
            ended_s = wait_for(lambda: thief.ended_s, what="the end of its connection", within_s=OUT_WITHIN_S)
        finally:
            thief.end()
        took_s = ended_s - began_s
        again = stage.broker.overhear(card, (str(URGENT),), for_s=3)
        assert not again.to_its_end(), "it hears again"
        [act] = town.office.admin.get("/audit", act="node.retired")["items"]
        return f"out after {took_s:.0f} s, and not let in again; audit: {act['act']} by {act['user']}"

    return find


def _hello(stage: Stage, node: str, *, version: Version) -> bytes:
    """By the key of the stolen card."""
    key = SigningKey.from_pem(stage.town.card(STOLEN).key.read_text())
    said = Hello(
        node=NodeId(node),
        boot_id=BootId(secrets.token_hex(16)),
        journal_id=JournalId(secrets.token_hex(16)),
        nonce=Nonce(secrets.token_hex(16)),
        sent_at=now(),
        clock=ClockState.TRUSTED,
        config=version,
        held={AREA: Held(programme=version, urgent=version), AreaId("thon-1"): Held(urgent=version)},
        agent="0.1.0",
    )
    return encode(Topic(Channel.HELLO, NodeId(node)), said, key)


def _said(said: str, word: str) -> str:
    """What the broker answered to whom it turned away."""
    assert said, "the broker took it"
    assert word in said, said
    return f"the broker: {said.splitlines()[0][:60]}"


CASES = (
    Case(
        "hears-everything",
        "a stolen card that subscribes to everything",
        hears_everything,
        (READS_ALL,),
        is_mute=True,
    ),
    Case(
        "speaks-for-controller",
        "an alarm published with a stolen card",
        speaks_for_the_controller,
        (WRITES_ALL,),
    ),
    Case(
        "speaks-for-neighbour",
        "a hello in the name of another loudspeaker",
        speaks_for_a_neighbour,
        (WRITES_ALL,),
        is_mute=True,
    ),
    Case(
        "another-authority",
        "an alarm published with a certificate of another authority",
        of_another_authority,
        NO_CERTIFICATES,
    ),
    Case(
        "bare-socket",
        "MQTT without TLS, noise, and a packet of 256 MB",
        on_a_bare_socket,
        unbroken="the broker has no listener without TLS that could be opened by leaving out a check",
    ),
)
LAST = (
    Case(
        "claims-versions",
        "a tampered agent that holds the last version there can be",
        claims_versions,
        (INCREDIBLE,),
        is_mute=True,
    ),
    Case(
        "revoked",
        "a stolen card, connected and anew, after the node was taken out",
        revoked,
        (NOT_CUT,),
        is_mute=True,
    ),
)
