"""Who may use which route: one line each. A route without a line fails; so does a line without a route."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use it; `sends` is what a request needs to come as far as the question of rights."""

    kind: str
    sends: Mapping[str, Any] | None = None


class Kinds(NamedTuple):
    """The rules that there are."""

    public: Rule = Rule("public")
    """Anybody; tells nothing of any area."""
    secret: Rule = Rule("secret")
    """Whoever has a secret of 256 random bits, or the bytes of which the address is the SHA-256."""
    first: Rule = Rule("first")
    """Not found once there is a person."""
    signed: Rule = Rule("signed")
    """Signed in; shows what the person may see, and nothing of other areas."""
    house: Rule = Rule("house")
    """Only who keeps the whole installation; not found for others."""
    node: Rule = Rule("node")
    """A node with its own signature; a person is not let in."""
    asked: Rule = Rule("asked")
    """As `own`, but the form or the request is asked for again instead."""


PUBLIC, SECRET, FIRST, SIGNED, HOUSE, NODE, ASKED = Kinds()


def own(**sends: Any) -> Rule:  # noqa: ANN401 -- JSON
    """Signed in, and the thing named in the address or in what is sent lies in the person's own areas."""
    return Rule("own", sends)


def asked(**sends: Any) -> Rule:  # noqa: ANN401 -- JSON
    """As `own`, of a form that is shown again with what is wrong."""
    return Rule("asked", sends)


AREA, THERE = "xala-xa", "xala-thon"
"""Ids of a commune and of a village that are none of the reader's business."""
PLAN = {"audience": [AREA], "when": {"tz": "Asia/Ho_Chi_Minh", "start_local": "2030-01-01T10:00:00"}}
TEXT = {"area": AREA, "title": "Thử", "field": "health", "plan": PLAN}
ROLES = [{"area": AREA, "role": "official"}]
USER = {"id": "moi", "name": "Mới", "password": "mat-khau-thu-nghiem", "roles": ROLES}

SIGNED_BY_NOBODY = dict.fromkeys(("credential", "authenticator_data", "client_data", "signature"), "AAAA")
ASSERTION = json.dumps(SIGNED_BY_NOBODY)

API: dict[str, Rule] = {
    "GET /openapi.json": PUBLIC,
    "POST /sessions": PUBLIC,
    "DELETE /sessions/current": SIGNED,
    "GET /me": SIGNED,
    "PUT /me/password": SIGNED,
    "GET /sessions": SIGNED,
    "DELETE /sessions/{session_id}": own(),
    "GET /me/second-factor": SIGNED,
    "POST /me/second-factor": SIGNED,
    "PUT /me/second-factor": SIGNED,
    "POST /me/second-factor/removal": SIGNED,
    "POST /me/second-factor/codes": SIGNED,
    "GET /users/{user_id}/recovery": own(),
    "POST /users/{user_id}/recovery": own(reason="mất điện thoại"),
    "POST /users/{user_id}/recovery/confirmation": own(),
    "DELETE /users/{user_id}/recovery": own(),
    "POST /recoveries": PUBLIC,
    "GET /users/{user_id}/sessions": own(),
    "DELETE /users/{user_id}/sessions/{session_id}": own(),
    "GET /tokens": SIGNED,
    "POST /tokens": SIGNED,
    "DELETE /tokens/{token_id}": own(),
    "GET /bulletins/{bulletin_id}/to-sign": own(),
    "GET /trust": SIGNED,
    "POST /areas/{area}/papers": own(),
    "POST /papers/{paper}/signatures": own(assertion=SIGNED_BY_NOBODY),
    "GET /me/passkeys": SIGNED,
    "POST /me/passkeys/options": SIGNED,
    "POST /me/passkeys": SIGNED,
    "PATCH /me/passkeys/{passkey_id}": own(name="Thử"),
    "DELETE /me/passkeys/{passkey_id}": own(),
    "GET /alerts": SIGNED,
    "GET /events": SIGNED,
    "GET /voices": SIGNED,
    "GET /standing-messages": SIGNED,
    "PUT /standing-messages/{name}": Rule("house", {"recording": "0" * 64}),
    "POST /readings": SIGNED,
    "POST /recordings": SIGNED,
    "POST /speech": SIGNED,
    "GET /recordings/{sha256}": own(),
    "GET /recordings/{sha256}/content": own(),
    "GET /recordings/{sha256}/peaks": own(),
    "OPTIONS /uploads": PUBLIC,
    "POST /uploads": SIGNED,
    "GET /uploads/{upload_id}": own(),
    "PATCH /uploads/{upload_id}": ASKED,
    "DELETE /uploads/{upload_id}": own(),
    "POST /uploads/{upload_id}/recording": own(),
    "GET /areas": SIGNED,
    "POST /areas": own(name="Mới", kind="village", parent=AREA),
    "GET /areas/{area}": own(),
    "PATCH /areas/{area}": own(name="Mới"),
    "DELETE /areas/{area}": own(),
    "POST /areas/{area}/policy/effect": own(policy={"versions": []}),
    "GET /areas/{area}/members": own(),
    "GET /areas/{area}/whereabouts": own(),
    "PATCH /areas/{area}/whereabouts": own(households=3),
    "POST /areas/{area}/whereabouts/undo": own(),
    "PUT /areas/{area}/members": own(nodes=[]),
    "POST /areas/{area}/merge": own(area="lang-cong"),
    "POST /areas/{area}/split": own(name="Mới", leaving=[THERE]),
    "GET /areas/{area}/inbox": own(),
    "POST /areas/{area}/inbox/{broadcast}/choose": own(),
    "POST /areas/{area}/inbox/{broadcast}/leave": own(),
    "PUT /areas/{area}/order": own(broadcasts=[]),
    "GET /areas/{area}/programme": own(),
    "GET /areas/{area}/programme/{sha256}": NODE,
    "GET /areas/{area}/silences": own(),
    "POST /areas/{area}/silences": own(minutes=5),
    "GET /reshapes": SIGNED,
    "POST /reshapes/{reshape}/undo": own(),
    "GET /users": SIGNED,
    "POST /users": own(**USER),
    "GET /users/{user_id}": own(),
    "PATCH /users/{user_id}": own(name="Mới"),
    "POST /users/{user_id}/invitation": own(),
    "PUT /users/{user_id}/roles": own(roles=ROLES),
    "DELETE /users/{user_id}/sessions": own(),
    "GET /nodes": SIGNED,
    "POST /nodes": own(name="Mới", parent=AREA),
    "GET /nodes/{node}": own(),
    "PATCH /nodes/{node}": own(name="Mới"),
    "DELETE /nodes/{node}": own(),
    "POST /nodes/{node}/code": own(),
    "GET /nodes/{node}/config/{sha256}": NODE,
    "GET /nodes/{node}/health": own(),
    "POST /nodes/{node}/release": own(),
    "POST /nodes/{node}/self-test": own(),
    "POST /nodes/{node}/identity/keep": own(machine="m" * 32),
    "POST /nodes/{node}/identity/refuse": own(),
    "GET /authority": PUBLIC,
    "POST /enrolments": PUBLIC,
    "POST /nodes/{node}/certificate/challenge": PUBLIC,
    "POST /nodes/{node}/certificate": Rule("node", {"proof": "x"}),
    "GET /audit": SIGNED,
    "GET /audit/export": SIGNED,
    "GET /backups": HOUSE,
    "POST /backups": HOUSE,
    "GET /backups/{name}": HOUSE,
    "GET /bulletins": SIGNED,
    "POST /bulletins": own(**TEXT),
    "GET /bulletins/{bulletin_id}": own(),
    "PUT /bulletins/{bulletin_id}": own(**TEXT),
    "DELETE /bulletins/{bulletin_id}": own(),
    "POST /bulletins/{bulletin_id}/submit": own(),
    "POST /bulletins/{bulletin_id}/return": own(comment="Sửa"),
    "POST /bulletins/{bulletin_id}/approve": own(),
    "POST /bulletins/{bulletin_id}/emergency": own(),
    "POST /bulletins/{bulletin_id}/sign": own(document="{}", assertion=SIGNED_BY_NOBODY),
    "GET /broadcasts": SIGNED,
    "GET /broadcasts/{broadcast}": own(),
    "GET /broadcasts/{broadcast}/answers": own(),
    "GET /broadcasts/{broadcast}/withdrawals": own(),
    "POST /broadcasts/{broadcast}/withdrawals": own(),
    "POST /previews": own(area=AREA, plan=PLAN),
    "GET /timeline": ASKED,
    "GET /emergencies": SIGNED,
    "POST /emergencies": own(audience=[AREA], text="Lũ"),
    "POST /drills": own(audience=[AREA], text="Lũ"),
    "GET /log": SIGNED,
    "GET /log.csv": SIGNED,
    "GET /log.xlsx": SIGNED,
    "GET /log/{line}/proof": own(),
    "GET /incidents": SIGNED,
    "GET /releases": SIGNED,
    "POST /releases": SIGNED,
    "GET /releases/{sha256}/content": SECRET,
    "GET /rollouts": SIGNED,
    "POST /rollouts": own(release="0" * 64, area=AREA),
    "GET /rollouts/{rollout}": own(),
    "POST /rollouts/{rollout}/halt": own(),
    "GET /rollouts/{rollout}/nodes": own(),
}
"""Below `/api/v1`."""

PAGES: dict[str, Rule] = {
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": PUBLIC,
    "MOUNT /static": PUBLIC,
    "GET /signin": PUBLIC,
    "POST /signin": PUBLIC,
    "POST /language": PUBLIC,
    "GET /invite/{secret}": SECRET,
    "POST /invite/{secret}": SECRET,
    "GET /setup": FIRST,
    "POST /setup": FIRST,
    "GET /setup/area": FIRST,
    "POST /setup/area": FIRST,
    "GET /": SIGNED,
    "GET /welcome": SIGNED,
    "POST /signout": SIGNED,
    "GET /me": SIGNED,
    "POST /me": SIGNED,
    "GET /me/password": SIGNED,
    "POST /me/password": SIGNED,
    "GET /me/passkeys": SIGNED,
    "POST /me/passkeys": SIGNED,
    "POST /me/passkeys/{passkey_id}": own(act="remove"),
    "POST /me/sessions/end": own(session="xala-phien-khac0"),
    "GET /signin/code": PUBLIC,
    "POST /signin/code": PUBLIC,
    "GET /recover": PUBLIC,
    "POST /recover": PUBLIC,
    "GET /me/second-factor": SIGNED,
    "POST /me/second-factor": SIGNED,
    "POST /me/recovery/cancel": SIGNED,
    "POST /admin/people/{user_id}/recovery": own(act="open", reason="mất điện thoại"),
    "POST /admin/people/{user_id}/sessions/end": own(session="xala-phien-khac0"),
    "GET /admin": SIGNED,
    "GET /admin/areas": SIGNED,
    "GET /admin/areas/{area}": own(),
    "POST /admin/areas/{area}": own(name="Mới", act="rename"),
    "POST /admin/areas/{area}/where": own(households="9", act="facts"),
    "GET /admin/areas/{area}/outline": own(),
    "POST /admin/areas/{area}/outline": own(geojson="{}"),
    "GET /admin/areas/{area}/merge": own(),
    "POST /admin/areas/{area}/merge": own(gone="lang-cong", sure="1"),
    "GET /admin/areas/{area}/split": own(),
    "POST /admin/areas/{area}/split": own(name="Mới", leaving=THERE, sure="1"),
    "POST /admin/reshapes/{reshape}/undo": own(),
    "GET /admin/people": SIGNED,
    "GET /admin/people/new": SIGNED,
    "POST /admin/people/new": SIGNED,
    "GET /admin/people/{user_id}": own(),
    "POST /admin/people/{user_id}": own(act="invite"),
    "GET /admin/policies": SIGNED,
    "GET /admin/policies/{area}": own(),
    "GET /admin/policies/{area}/new": own(),
    "POST /admin/policies/{area}/new": own(),
    "POST /admin/policies/{area}/drop": own(),
    "GET /admin/trust": SIGNED,
    "POST /admin/trust/areas/{area}": own(),
    "POST /admin/trust/papers/{paper}": own(assertion=ASSERTION),
    "GET /admin/audit": SIGNED,
    "GET /admin/backups": HOUSE,
    "POST /admin/backups": HOUSE,
    "GET /admin/backups/{name}": HOUSE,
    "GET /admin/settings": HOUSE,
    "GET /bulletins": SIGNED,
    "GET /bulletins/new": SIGNED,
    "POST /bulletins/draft": SIGNED,
    "POST /bulletins/listen": SIGNED,
    "POST /bulletins/reading": SIGNED,
    "POST /bulletins/sound": SIGNED,
    "POST /bulletins/what": SIGNED,
    "GET /bulletins/{bulletin_id}": own(),
    "POST /bulletins/{bulletin_id}/approve": own(),
    "POST /bulletins/{bulletin_id}/emergency": own(),
    "POST /bulletins/{bulletin_id}/sign": own(document="{}", assertion=ASSERTION),
    "POST /bulletins/{bulletin_id}/preview": own(),
    "POST /bulletins/{bulletin_id}/reach": own(),
    "POST /bulletins/{bulletin_id}/return": own(comment="Sửa"),
    "GET /bulletins/{bulletin_id}/what": own(),
    "GET /bulletins/{bulletin_id}/when": own(),
    "POST /bulletins/{bulletin_id}/when": own(),
    "GET /bulletins/{bulletin_id}/where": own(),
    "POST /bulletins/{bulletin_id}/where": own(),
    "POST /bulletins/{bulletin_id}/restore": own(version="1"),
    "POST /bulletins/{bulletin_id}/withdraw": own(reason="Sai"),
    "GET /approvals": SIGNED,
    "GET /inbox": SIGNED,
    "POST /inbox": own(area=AREA),
    "GET /log": SIGNED,
    "GET /log/export": SIGNED,
    "GET /log/export/file": ASKED,
    "POST /log/filters": SIGNED,
    "POST /log/filters/{filter_id}/delete": own(),
    "GET /log/{occurrence}/{node}": own(),
    "GET /reports": SIGNED,
    "GET /reports/file.csv": SIGNED,
    "GET /more": SIGNED,
    "GET /help": SIGNED,
    "GET /help/{page}": SIGNED,
    "GET /nodes": SIGNED,
    "GET /nodes/new": SIGNED,
    "POST /nodes/new": asked(name="Mới", parent=AREA),
    "GET /nodes/releases": SIGNED,
    "POST /nodes/releases": SIGNED,
    "GET /nodes/releases/{sha256}/start": SIGNED,
    "POST /nodes/releases/{sha256}/start": asked(area=AREA, observe="day"),
    "POST /nodes/releases/rollouts/{rollout}/halt": own(),
    "GET /nodes/{node}": own(),
    "GET /nodes/{node}/edit": own(),
    "POST /nodes/{node}/edit": own(name="Mới"),
    "POST /nodes/{node}/edit/map": own(),
    "GET /nodes/{node}/enrol": own(),
    "POST /nodes/{node}/enrol": own(),
    "GET /nodes/{node}/refuse": own(),
    "POST /nodes/{node}/refuse": own(gesture="hold"),
    "GET /nodes/{node}/retire": own(),
    "POST /nodes/{node}/retire": own(gesture="hold"),
    "GET /nodes/{node}/volume": own(),
    "POST /nodes/{node}/volume": own(volume="-6"),
    "POST /nodes/{node}/identity/keep": own(machine="m" * 32),
    "POST /nodes/{node}/release": own(),
    "POST /nodes/{node}/self-test": own(),
    "GET /schedule": SIGNED,
    "GET /schedule/feed": SIGNED,
    "POST /schedule/feed": own(area=AREA),
    "GET /schedule/move/{bulletin_id}": own(),
    "POST /schedule/move/{bulletin_id}": own(),
    "POST /schedule/move/{bulletin_id}/preview": own(),
    "GET /calendar/{secret}.ics": SECRET,
    "GET /emergency": SIGNED,
    "GET /emergency/now": SIGNED,
    "POST /emergency": asked(area=AREA, where="areas", say="text", text="Lũ", gesture="hold"),
    "GET /emergency/{broadcast}": own(),
    "POST /emergency/{broadcast}/withdraw": own(),
    "GET /drill": SIGNED,
    "POST /drill": asked(area=AREA, where="areas", say="text", text="Lũ", gesture="hold"),
    "GET /drill/{broadcast}": own(),
    "POST /drill/{broadcast}/withdraw": own(),
    "GET /stop": SIGNED,
    "POST /stop": own(area=AREA, until="900", gesture="twice"),
    "GET /stop/{area}/{silence}": own(),
    "POST /stop/{area}/{silence}/release": own(node="xala-cum"),
}

RULES: dict[str, Rule] = {
    f"{method} /api/v1{path}": rule
    for (method, path), rule in ((key.split(), rule) for key, rule in API.items())
} | PAGES
