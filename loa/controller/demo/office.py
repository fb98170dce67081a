"""The people of the sample commune, at work through the public API as the console would be."""

from pathlib import Path
from ssl import SSLContext
from typing import Any

import httpx

from loa.controller.core.sample import COMMUNE, SAMPLE
from loa.controller.core.sample_map import NOTE, POSITIONS
from loa.controller.demo.processes import StageError
from loa.protocol.ids import AreaId
from loa.protocol.policy import Policy

PEOPLE = (
    ("mai", "Nguyễn Thị Mai", "official", COMMUNE),
    ("hoa", "Nguyễn Văn Hòa", "approver", COMMUNE),
    ("nam", "Hoàng Văn Nam", "approver", COMMUNE),
    ("binh", "Trần Văn Bình", "technician", COMMUNE),
    ("lan", "Phạm Thị Lan", "supervisor", SAMPLE[1].id),
    ("kim", "Lê Thị Kim", "supervisor", COMMUNE),
    ("lam", "Đỗ Văn Lâm", "supervisor", COMMUNE),
)
"""Name at sign-in, name, role, area."""
KEEPERS = ("kim", "lam")
"""They sign who may approve, and approve nothing themselves."""
Answer = dict[str, Any]
_PATIENCE_S = 300.0


class Desk:
    """One person, signed in."""

    def __init__(self, base_url: str, user: str, password: str, trust: SSLContext) -> None:
        self._http = httpx.Client(
            base_url=f"{base_url}/api/v1", timeout=_PATIENCE_S, trust_env=False, verify=trust
        )
        answer = self.post("/sessions", {"user": user, "password": password})
        self._http.headers["x-csrf-token"] = str(answer["csrf"])

    def leave(self) -> None:
        """Close the connection; the session stays."""
        self._http.close()

    def get(self, path: str, **query: str) -> Answer:
        """The answer to a GET; `StageError` with the problem's detail if it is refused."""
        return _answer(self._http.get(path, params=query))

    def post(self, path: str, body: Answer | None = None, *, etag: str | None = None) -> Answer:
        """The answer to a POST, sent so that it could be sent again."""
        headers = {} if etag is None else {"if-match": etag}
        return _answer(self._http.post(path, json=body, headers=headers))

    def patch(self, path: str, body: Answer, *, etag: str | None = None) -> Answer:
        """The answer to a PATCH."""
        headers = {} if etag is None else {"if-match": etag}
        return _answer(self._http.patch(path, json=body, headers=headers))

    def upload(self, sound: Path) -> Answer:
        """A sound, taken in and prepared, without chime: what sounds is what went in."""
        with sound.open("rb") as content:
            return _answer(self._http.post("/recordings", files={"file": (sound.name, content)}))

    def fetch(self, path: str, into: Path) -> Path:
        """The bytes behind a path, stored as a file."""
        answer = self._http.get(path.removeprefix("/api/v1"))
        _answer_status(answer)
        into.write_bytes(answer.content)
        return into


def etag(bulletin: Answer) -> str:
    """Which revision of it was read."""
    return f'"{bulletin["revision"]}"'


def furnish(admin: Desk, password: str, policy: Policy) -> None:
    """Give the sample tree its people and the commune its policy."""
    for user, name, role, area in PEOPLE:
        roles = [{"area": area, "role": role}]
        admin.post("/users", {"id": user, "name": name, "password": password, "roles": roles})
    admin.patch(f"/areas/{COMMUNE}", {"policy": policy.model_dump(mode="json")})


def locate(technician: Desk, node: str, village: AreaId) -> None:
    """Say that the node stands where the sample has a loudspeaker in that village."""
    position = POSITIONS[village]
    where = {"position": {"lat": position.lat, "lon": position.lon}, "description": NOTE}
    technician.patch(f"/areas/{node}/whereabouts", where, etag='"0"')


def _answer(answer: httpx.Response) -> Answer:
    _answer_status(answer)
    return dict(answer.json()) if answer.content else {}


def _answer_status(answer: httpx.Response) -> None:
    if answer.is_error:
        raise StageError(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
        )
