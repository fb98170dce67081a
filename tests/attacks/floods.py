"""Too much of everything, while a genuine broadcast has to come through."""

import json
import re
import secrets
from collections import Counter

from loa.protocol.codec import encode
from loa.protocol.ids import JournalId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import ProblemReport, Reports
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import to_whole_ms
from tests.attacks.case import Case, Edit, Shown, Stage
from tests.attacks.hands import flood_of_requests
from tests.attacks.sounds import Sample
from tests.attacks.town import APPROVERS, STOLEN
from tests.flow.times import now
from tests.waiting import wait_for

MESSAGES, REQUESTS, UPLOADS = 3_000, 60, 20
ATTEMPTS = Edit("loa/controller/services/attempts.py", "        if left > 0:\n", "        if False:\n")
UNLIMITED = Edit(
    "loa/controller/services/recordings.py", "if self._size_bytes > self._limit_bytes:", "if False:"
)


def of_reports(stage: Stage, _sample: Sample) -> Shown:
    """By the card of a loudspeaker: reports of its own, and as many that nobody signed."""
    town, topic = stage.town, Topic(Channel.REPORTS, NodeId(STOLEN))
    key = SigningKey.from_pem(town.card(STOLEN).key.read_text())
    journal = JournalId(secrets.token_hex(16))
    signed = [encode(topic, _batch(journal, number), key) for number in range(1, 101)]
    forged = [encode(topic, _batch(journal, 1), SigningKey.generate())] * (MESSAGES - len(signed))
    before = refused_reports(stage)
    flood = stage.broker.flood(town.card(STOLEN), str(topic), [*forged, *signed])

    def find() -> str:
        flood.wait(60)
        counted = wait_for(
            lambda: _more_than(refused_reports(stage) - before, MESSAGES - len(signed)),
            what="the forged reports are counted",
            within_s=60,
        )
        return f"metric loa_upward_refused: {counted} more"

    return find


def of_sign_ins(stage: Stage, _sample: Sample) -> Shown:
    """Guesses at the leader's password; the leader's own browser is let in meanwhile."""
    town = stage.town
    guess = json.dumps({"user": APPROVERS[0], "password": "mat khau doan mo"})
    url = f"{town.base_url}/api/v1/sessions"
    flood = flood_of_requests(
        url, REQUESTS, town.card(STOLEN).authority, "-H", "content-type: application/json", "-d", guess
    )

    def find() -> str:
        statuses = Counter(flood.statuses())
        assert statuses.get(429, 0) > REQUESTS / 2, f"not held back: {statuses}"
        assert set(statuses) <= {401, 429}, f"{statuses}"
        town.people[APPROVERS[0]].sign_in_again()
        return f"{_told(statuses)}; the leader's browser is let in"

    return find


def of_uploads(stage: Stage, _sample: Sample) -> Shown:
    """Files that are too large, from somebody who may upload, and as many from somebody who may not."""
    town = stage.town
    large = town.folder / "large.wav"
    large.write_bytes(b"\0" * 2_500_000)
    url = f"{town.base_url}/api/v1/recordings"
    authority, file = town.card(STOLEN).authority, ("-F", f"file=@{large}")
    floods = [
        flood_of_requests(url, UPLOADS, authority, *file),
        flood_of_requests(url, UPLOADS, authority, *file, *town.office.writer.as_curl()),
    ]

    def find() -> str:
        strangers, writers = (Counter(flood.statuses()) for flood in floods)
        assert set(strangers) == {401}, f"a stranger: {strangers}"
        assert set(writers) == {413}, f"a writer: {writers}"
        return f"a stranger: {_told(strangers)}; a writer: {_told(writers)}"

    return find


def refused_reports(stage: Stage) -> int:
    """How many messages of nodes the controller has not accepted since it was started."""
    found = re.findall(
        r'^loa_upward_refused_total\{reason="\w+"\} ([0-9.e+]+)$', stage.metrics(), re.MULTILINE
    )
    return round(sum(map(float, found)))


def _batch(journal: JournalId, number: int) -> Reports:
    problem = ProblemReport(
        number=number, at=to_whole_ms(now()), code=ProblemCode.STOP_PRESSED, detail="x" * 400
    )
    return Reports(node=NodeId(STOLEN), journal_id=journal, reports=(problem,))


def _more_than(count: int, least: int) -> int | None:
    return count if count >= least else None


def _told(statuses: Counter[int]) -> str:
    return ", ".join(f"{count} times {status}" for status, count in sorted(statuses.items()))


CASES = (
    Case(
        "flood-of-reports",
        f"{MESSAGES} messages of reports with a stolen card, few of them signed",
        of_reports,
        unbroken="it is kept from harm by a bounded queue and by batches, not by a check",
    ),
    Case(
        "flood-of-sign-ins",
        f"{REQUESTS} guesses at the leader's password",
        of_sign_ins,
        (ATTEMPTS,),
        is_mute=True,
    ),
    Case(
        "flood-of-uploads",
        f"{2 * UPLOADS} uploads of 2.5 MB where 2 MB are allowed",
        of_uploads,
        (UNLIMITED,),
        is_mute=True,
    ),
)
