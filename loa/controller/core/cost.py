"""What a broadcast costs the SIM of a node, measured on the very messages that it will bring about."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from loa.controller.core.preview import Cost
from loa.controller.core.programme import Contents, make_programme, make_urgent
from loa.protocol.broadcast import Entry
from loa.protocol.codec import encode, pack
from loa.protocol.ids import AreaId, JournalId, NodeId, OccurrenceId, sha256_hex
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import ProgrammePointer
from loa.protocol.reasons import Reason
from loa.protocol.reports import Piece, PlayReport, Receipt, Reports
from loa.protocol.topics import Channel, Message, Topic
from loa.protocol.units import DurationMs, SizeBytes, to_ms

NOTHING_HELD = Contents()


def measure(
    entry: Entry,
    programmes: Mapping[AreaId, Contents],
    areas: Iterable[AreaId],
    key: SigningKey,
    *,
    recording_bytes: int,
    estimated: bool,
    occurrences: Iterable[OccurrenceId],
) -> Cost:
    """`areas` are those in whose programmes it will stand and that the node belongs to.

    Payloads only: TLS and TCP come on top, and what the network loses and sends again.
    """
    messages = sum(_area_bytes(entry, area, programmes.get(area, NOTHING_HELD), key) for area in areas)
    reports = sum(_report_bytes(entry, occurrence, key) for occurrence in occurrences)
    return Cost(
        recording_bytes=recording_bytes,
        recording_estimated=estimated,
        message_bytes=messages,
        report_bytes=reports,
    )


def _area_bytes(entry: Entry, area: AreaId, held: Contents, key: SigningKey) -> int:
    """The programme that is fetched anew and its pointer; the urgent message of an emergency."""
    contents = replace(held, entries=(*held.entries, entry))
    version, at = to_ms(entry.issued_at), entry.issued_at
    body = pack(make_programme(area, contents, version=version, issued_at=at), key)
    pointer = ProgrammePointer(
        area=area, version=version, sha256=sha256_hex(body), size_bytes=SizeBytes(len(body)), issued_at=at
    )
    total = len(body) + _published(Topic(Channel.PROGRAMME, area), pointer, key)
    if entry.broadcast.class_ is BroadcastClass.EMERGENCY:
        urgent = make_urgent(area, contents, version=version, issued_at=at).urgent
        total += _published(Topic(Channel.URGENT, area), urgent, key)
    return total


def _report_bytes(entry: Entry, occurrence: OccurrenceId, key: SigningKey) -> int:
    """One report of an occurrence that sounded whole, and its receipt; batches of several are smaller."""
    node, journal, at = NodeId("n" * 16), JournalId("0" * 32), entry.issued_at
    duration_ms = entry.broadcast.source.duration_ms
    report = PlayReport(
        number=1_000,
        occurrence=occurrence,
        planned_at=at,
        outcome=Reason.COMPLETE,
        reason_at=at,
        played_ms=duration_ms,
        pieces=(_piece(at, duration_ms),),
    )
    reports = Reports(node=node, journal_id=journal, reports=(report,))
    receipt = Receipt(node=node, journal_id=journal, up_to=1_000, at=at)
    return _published(Topic(Channel.REPORTS, node), reports, key) + _published(
        Topic(Channel.RECEIPT, node), receipt, key
    )


def _piece(at: datetime, duration_ms: int) -> Piece:
    return Piece(from_at=at, to_at=at + timedelta(milliseconds=duration_ms), offset_ms=DurationMs(0))


def _published(topic: Topic, message: Message, key: SigningKey) -> int:
    """An MQTT 3.1.1 PUBLISH of QoS 1 with its acknowledgement, sections 3.3 and 3.4."""
    variable = 2 + len(str(topic)) + 2 + len(encode(topic, message, key))
    length_digits = max(1, -(-variable.bit_length() // 7))
    return 1 + length_digits + variable + _PUBACK_BYTES


_PUBACK_BYTES = 4
