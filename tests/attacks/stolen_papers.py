"""With the controller's key and database: configurations that widen, older papers, rows of one's own."""

from loa.protocol.codec import encode, pack, unpack_config
from loa.protocol.ids import AreaId, NodeId, sha256_hex
from loa.protocol.keys import KeyRing
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Config, ConfigPointer, Programme, ProgrammePointer
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs, SizeBytes, to_ms, to_whole_ms
from loa.schedules.policy import open_policy
from tests.attacks.case import Case, Edit, Shown, Stage
from tests.attacks.forge import AREA, URGENT
from tests.attacks.on_the_wire import NO_STALE
from tests.attacks.sounds import Sample
from tests.attacks.stolen_keys import NO_COUNT
from tests.attacks.town import APPROVERS, AWAKE, STRUCK_OFF, VICTIM, Town
from tests.flow.times import now
from tests.waiting import wait_for

NO_PLACES = Edit(
    "loa/node_agent/core/belief.py",
    '"areas": tuple(area for area in arrived.areas if area in trust.areas),',
    '"areas": arrived.areas,',
)
NO_HOURS = Edit(
    "loa/node_agent/core/belief.py",
    '"policy": tighten(trust.charter.policy, arrived.policy),',
    '"policy": arrived.policy,',
)
NO_NEWEST = Edit(
    "loa/protocol/trust.py", "    if held is None:\n        return arrived\n", "    return arrived\n"
)
ELSEWHERE = AreaId("thon-3")


def moved_node(stage: Stage, sample: Sample) -> Shown:
    """People approved an alarm for a village that this loudspeaker does not stand in."""
    held = held_config(stage)
    configure(stage, held, areas=(*held.areas[:-1], ELSEWHERE, held.areas[-1]))
    entry = stage.forger.entry(stage.forger.broadcast(sample, audience=(ELSEWHERE,)))
    stage.overwrite(URGENT, stage.forger.urgent(entry))
    return stage.refused(VICTIM, entry.id, "not_addressed_here")


def widened_hours(stage: Stage, sample: Sample) -> Shown:
    """Somebody who may approve it signed an ordinary announcement for an hour in which none may sound."""
    configure(stage, held_config(stage), policy=open_policy("The attacker says so."))
    normal = BroadcastClass.NORMAL
    broadcast = stage.forger.broadcast(sample, class_=normal, not_after_ms=DurationMs(5_000))
    entry = stage.forger.entry(broadcast, stage.forger.by(APPROVERS[0], broadcast))
    stage.overwrite(URGENT, stage.forger.urgent(entry))
    return stage.not_played(VICTIM, broadcast, "quiet_hours")


def older_papers(stage: Stage, sample: Sample) -> Shown:
    """An approver was struck off; the papers in which she stands are brought again, as of now."""
    town, before = stage.town, held_config(stage)
    town.strike_off()
    for name in AWAKE:
        after = wait_for(lambda: _with_other_papers(stage, name, before), what="other papers", within_s=30)  # noqa: B023 -- called at once
        town.node(name).says(f"event=configured version={after.version}", since=0)
    configure(stage, before)
    broadcast = stage.forger.broadcast(sample)
    signed = (stage.forger.by(name, broadcast) for name in (APPROVERS[0], STRUCK_OFF))
    entry = stage.forger.entry(broadcast, *signed)
    stage.overwrite(URGENT, stage.forger.urgent(entry))
    return stage.refused(VICTIM, entry.id, "unapproved")


def stolen_database(stage: Stage, sample: Sample) -> Shown:
    """A broadcast with other words and old approvals is written into the database, and into the programme.

    The controller itself signs it with the next programme, which the next approval makes it issue.
    """
    town = stage.town
    [(last,)] = town.database("SELECT id FROM broadcasts ORDER BY approved_at DESC LIMIT 1")
    forged = stage.forger.broadcast(sample)
    town.database("CREATE TABLE forged AS SELECT * FROM broadcasts WHERE id = ?", last)
    town.database("UPDATE forged SET id = ?, document = ?", forged.id, forged.to_bytes().decode())
    town.database("INSERT INTO broadcasts SELECT * FROM forged")
    issued_at = town.database("SELECT issued_at FROM placements LIMIT 1")[0][0]
    town.database("INSERT INTO placements VALUES (?, ?, ?)", "lang-cong", forged.id, issued_at)
    town.genuinely()
    find = stage.refused(VICTIM, forged.id, "unapproved")

    def found() -> str:
        try:
            return find()
        finally:
            town.database("DELETE FROM placements WHERE broadcast_id = ?", forged.id)

    return found


def rolled_back(stage: Stage, sample: Sample) -> Shown:
    """The programme of the commune as it is said to have been, before an alarm in it was taken out."""
    town, area = stage.town, str(AREA)
    [(version, digest, body)] = town.database(
        "SELECT version, sha256, body FROM programmes WHERE area_id = ?", area
    )
    assert isinstance(version, int)
    entry = stage.forger.entry(stage.forger.broadcast(sample))
    before = Programme(area=AREA, version=version - 1, issued_at=to_whole_ms(now()), entries=(entry,))
    packed = pack(before, town.key)
    _serve_programme(town, sha256_hex(packed), packed)
    pointer = ProgrammePointer(
        version=before.version,
        sha256=sha256_hex(packed),
        size_bytes=SizeBytes(len(packed)),
        issued_at=before.issued_at,
        area=AREA,
    )
    topic = Topic(Channel.PROGRAMME, AREA)
    payload = encode(topic, pointer, town.key)
    stage.overwrite(topic, payload)
    find = stage.refused(VICTIM, payload, "stale")

    def found() -> str:
        try:
            return find()
        finally:
            _serve_programme(town, digest, body)

    return found


def held_config(stage: Stage, node: str = VICTIM) -> Config:
    """What the controller last told the loudspeaker to be."""
    [(body,)] = stage.town.database("SELECT config_body FROM nodes WHERE id = ?", node)
    assert isinstance(body, bytes)
    return unpack_config(body, NodeId(node), KeyRing([stage.town.key.public]))


def configure(stage: Stage, config: Config, **changes: object) -> None:
    """Have it served by the controller, as of now, and named in its name; returns when it was taken in."""
    town, at = stage.town, to_whole_ms(now())
    said = config.model_copy(update={"version": to_ms(at), "issued_at": at, **changes})
    packed = pack(said, town.key)
    pointer = ConfigPointer(
        version=said.version,
        sha256=sha256_hex(packed),
        size_bytes=SizeBytes(len(packed)),
        issued_at=at,
        node=said.node,
    )
    written = "UPDATE nodes SET config_version = ?, config_sha256 = ?, config_body = ? WHERE id = ?"
    town.database(written, pointer.version, pointer.sha256, packed, VICTIM)
    topic = Topic(Channel.CONFIG, said.node)
    stage.overwrite(topic, encode(topic, pointer, town.key))
    town.node(VICTIM).says(f"event=configured version={pointer.version}", since=0)


def _serve_programme(town: Town, digest: object, body: object) -> None:
    town.database("UPDATE programmes SET sha256 = ?, body = ? WHERE area_id = ?", digest, body, str(AREA))


def _with_other_papers(stage: Stage, node: str, before: Config) -> Config | None:
    """The configuration of a loudspeaker once both papers in it are others than before."""
    config = held_config(stage, node)
    old, new = before.papers, config.papers
    assert old is not None
    assert new is not None
    return config if old.charter != new.charter and old.rosters != new.rosters else None


CASES = (
    Case(
        "moved-node",
        "a configuration that moves the node to where an alarm was approved",
        moved_node,
        (NO_PLACES,),
    ),
    Case(
        "widened-hours", "a configuration that lets ordinary broadcasts sound now", widened_hours, (NO_HOURS,)
    ),
    Case(
        "older-papers",
        "the papers in which an approver stands who was struck off",
        older_papers,
        (NO_NEWEST,),
    ),
    Case("rolled-back", "an older programme with an alarm in it", rolled_back, (NO_STALE,)),
    Case(
        "stolen-database",
        "an alarm written into the database, signed by the controller itself",
        stolen_database,
        (NO_COUNT,),
    ),
)
