"""The people of a commune, at work through the public API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from ssl import SSLContext
from typing import Any

import httpx

from loa.protocol.broadcast import RecordingSource
from loa.protocol.ids import BroadcastId, OccurrenceId, RecordingId, occurrence_id
from loa.protocol.policy import Policy
from loa.protocol.units import DurationMs, SizeBytes
from loa.protocol.when import DEFAULT_TZ
from loa.schedules.policy import open_policy
from tests.flow.ears import Sound
from tests.flow.times import local
from tests.waiting import wait_for

PROVINCE, PROVINCE_NAME = "tinh-vinh-phuc", "Tỉnh Vĩnh Phúc"
COMMUNE = "lang-cong"
VILLAGES = ("thon-1", "thon-2")
ADMIN, WRITER, LEADER = "quan-tri", "mai", "hoa"
PASSWORD = "mot mat khau that dai"
OPEN = "expected", "missed"
"""Outcomes of a line of the log that waits for a report."""
REPORT_WITHIN_S = 60.0

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Announced:
    """An approved broadcast."""

    id: BroadcastId
    first_at: datetime

    def occurrence(self, at: datetime) -> OccurrenceId:
        return occurrence_id(self.id, at)


class Refused(AssertionError):
    """The controller did not do what it was asked."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"{response.request.url}: {response.status_code} {response.text}")
        self.status = response.status_code


class Desk:
    """One person, signed in."""

    def __init__(self, base_url: str, name: str, trust: SSLContext) -> None:
        self._name = name
        self._client = httpx.Client(
            base_url=f"{base_url}/api/v1", timeout=30.0, trust_env=False, verify=trust
        )

    def sign_in(self) -> None:
        """In a browser that was never here."""
        self._client.cookies.clear()
        self.sign_in_again()

    def sign_in_again(self) -> None:
        answer = self.post("/sessions", {"user": self._name, "password": PASSWORD})
        self._client.headers["x-csrf-token"] = answer["csrf"]

    def as_curl(self) -> list[str]:
        """With what curl is this person, too."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())
        return ["-b", cookies, "-H", f"x-csrf-token: {self._client.headers['x-csrf-token']}"]

    def get(self, path: str, **query: object) -> Json:
        asked = {name: value for name, value in query.items() if value is not None}
        return _answer(self._client.get(path, params=_texts(asked)))

    def post(
        self, path: str, body: object = None, *, key: str | None = None, revision: int | None = None
    ) -> Json:
        """`key` makes it safe to be sent again; `revision` is what it was decided on."""
        headers = {"idempotency-key": key} if key else {}
        if revision is not None:
            headers["if-match"] = f'"{revision}"'
        return _answer(self._client.post(path, json=body, headers=headers))

    def patch(self, path: str, body: object) -> Json:
        return _answer(self._client.patch(path, json=body))

    def delete(self, path: str) -> Json:
        return _answer(self._client.delete(path))

    def upload(self, path: str, sound: Sound) -> Json:
        with sound.path.open("rb") as file:
            return _answer(self._client.post(path, files={"file": file}))

    def close(self) -> None:
        self._client.close()


class Office:
    """An administrator, an official who writes, and a leader who approves."""

    def __init__(self, base_url: str, trust: SSLContext) -> None:
        people = (ADMIN, WRITER, LEADER)
        self.admin, self.writer, self.leader = (Desk(base_url, name, trust) for name in people)
        self._root = httpx.Client(base_url=base_url, timeout=10.0, trust_env=False, verify=trust)
        self._numbers = count(1)

    def is_ready(self) -> bool:
        return self._says_yes("/readyz")

    def is_alive(self) -> bool:
        return self._says_yes("/healthz")

    def _says_yes(self, path: str) -> bool:
        try:
            return self._root.get(path).is_success
        except httpx.TransportError:
            return False

    def metrics(self) -> str:
        """As Prometheus reads them."""
        return self._root.get("/metrics").text

    def sign_in(self) -> None:
        for desk in self._desks:
            desk.sign_in()

    def close(self) -> None:
        self._root.close()
        for desk in self._desks:
            desk.close()

    # What the administrator does.

    def furnish(self, policy: Policy | None = None) -> None:
        """A commune with two villages and its people; unless told otherwise all may sound at any hour."""
        policy = policy or open_policy("Tests sound at any hour.")
        self.admin.sign_in()
        self._add_area(COMMUNE, "commune", PROVINCE, policy=policy.model_dump(mode="json"))
        for village in VILLAGES:
            self._add_area(village, "village", COMMUNE)
        for name, role in ((WRITER, "official"), (LEADER, "approver")):
            self.add_person(name, role)
        self.sign_in()

    def add_person(self, name: str, role: str) -> None:
        """Of the commune."""
        grants = [{"area": COMMUNE, "role": role}]
        self.admin.post("/users", {"id": name, "name": name, "password": PASSWORD, "roles": grants})

    def add_node(self, name: str, area: str) -> str:
        """The code with which it enrols."""
        return str(self.admin.post("/nodes", {"id": name, "name": name, "parent": area})["code"])

    def awaits_online(self, node: str) -> None:
        wait_for(
            lambda: self.admin.get(f"/nodes/{node}")["presence"] == "connected",
            what=f"{node} is online",
            within_s=REPORT_WITHIN_S,
        )

    # What officials and leaders do.

    def upload(self, sound: Sound) -> RecordingId:
        return RecordingId(self.writer.upload("/recordings", sound)["sha256"])

    def source(self, recording: RecordingId) -> RecordingSource:
        found = self.writer.get(f"/recordings/{recording}")
        return RecordingSource(
            recording=recording,
            duration_ms=DurationMs(found["duration_ms"]),
            size_bytes=SizeBytes(found["size_bytes"]),
        )

    def announce(
        self,
        recording: RecordingId,
        *,
        at: datetime,
        rrule: str | None = None,
        class_: str = "normal",
        key: str | None = None,
        **plan: object,
    ) -> Announced:
        """Write, submit and approve a bulletin; with a key, each of the three under a key made from it."""
        when = {"tz": DEFAULT_TZ, "start_local": local(at), "rrule": rrule}
        draft = self._draft(recording, class_, {"when": when, **plan}, key=key)
        path = f"/bulletins/{draft['id']}"
        submitted = self.writer.post(f"{path}/submit", key=_step(key, "submit"), revision=draft["revision"])
        return announced_of(
            self.leader.post(f"{path}/approve", key=_step(key, "approve"), revision=submitted["revision"])
        )

    def emergency(self, recording: RecordingId, *, key: str | None = None) -> Announced:
        """Broadcast at once by the leader."""
        draft = self._draft(recording, "emergency", {}, key=key)
        path = f"/bulletins/{draft['id']}/emergency"
        return announced_of(self.leader.post(path, key=_step(key, "emergency"), revision=draft["revision"]))

    def withdraw(self, announced: Announced, *, key: str | None = None) -> None:
        self.leader.post(f"/broadcasts/{announced.id}/withdrawals", {}, key=key)

    def stop(self, *, minutes: int = 60) -> Json:
        return self.leader.post(f"/areas/{COMMUNE}/silences", {"minutes": minutes})

    # What can be read.

    def log(self, **query: object) -> list[Json]:
        answer = self.leader.get("/log", limit=500, **query)
        assert answer["cursor"] is None, "the log of a test fits on a page"
        return list(answer["items"])

    def awaits_delivery(self, announced: Announced, node: str) -> None:
        """Return when the node has said that it holds the broadcast."""

        def is_delivered() -> bool:
            lines = self.log(broadcast=announced.id, node=node)
            return bool(lines) and all(line["delivered_at"] for line in lines)

        wait_for(is_delivered, what=f"{node} holds {announced.id}", within_s=REPORT_WITHIN_S)

    def awaits_outcome(self, announced: Announced, node: str, at: datetime | None = None) -> str:
        """What became of the occurrence planned for `at`, its first if none is named, on a node."""
        occurrence = announced.occurrence(at or announced.first_at)

        def outcome() -> str | None:
            lines = [line for line in self.settled(announced) if line["node"] == node]
            return next((line["outcome"] for line in lines if line["occurrence"] == occurrence), None)

        return wait_for(outcome, what=f"{node} reports {occurrence}", within_s=REPORT_WITHIN_S)

    def settled(self, announced: Announced) -> list[Json]:
        """The lines of a broadcast that nodes have reported on."""
        return [line for line in self.log(broadcast=announced.id) if line["outcome"] not in OPEN]

    def awaits_log(self, expected: Mapping[tuple[OccurrenceId, str], str]) -> None:
        """Return when the log of all time has these lines, each once, and no others."""

        def is_complete() -> bool:
            lines = [(line["occurrence"], line["node"], line["outcome"]) for line in self.log()]
            return sorted(lines) == sorted((*name, outcome) for name, outcome in expected.items())

        wait_for(is_complete, what=f"a log of {expected}, not of {self.log()}", within_s=REPORT_WITHIN_S)

    def awaits_refusal(self, node: str, since: datetime) -> Json:
        """The first message that a node refused since then, as the controller shows it."""

        def first() -> Json | None:
            found = self.leader.get("/incidents", node=node, kind="refusal", **{"from": since})["items"]
            return found[-1]["report"] if found else None

        return wait_for(first, what=f"{node} reports a refusal", within_s=REPORT_WITHIN_S)

    @property
    def _desks(self) -> Sequence[Desk]:
        return self.admin, self.writer, self.leader

    def _add_area(self, area: str, kind: str, parent: str, **more: object) -> None:
        self.admin.post("/areas", {"id": area, "name": area, "kind": kind, "parent": parent, **more})

    def _draft(self, recording: RecordingId, class_: str, plan: Json, *, key: str | None = None) -> Json:
        draft = {
            "area": COMMUNE,
            "title": f"Bản tin {key or next(self._numbers)}",
            "class": class_,
            "recording": recording,
            "plan": {"audience": [COMMUNE], **plan},
        }
        return self.writer.post("/bulletins", draft, key=_step(key, "write"))


def announced_of(approved: Json) -> Announced:
    """What the answer to an approval names."""
    found = approved["broadcast"]
    return Announced(BroadcastId(found["id"]), datetime.fromisoformat(found["first_start_at"]))


def _step(key: str | None, step: str) -> str | None:
    return None if key is None else f"{key}-{step}"


def _texts(query: Mapping[str, object]) -> dict[str, str]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in query.items()
    }


def _answer(response: httpx.Response) -> Json:
    if not response.is_success:
        raise Refused(response)
    return dict(response.json()) if response.content else {}
