"""Every act that matters writes its line of the audit trail: the table, and what holds the services to it."""

import ast
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.store.audits import all_lines
from loa.controller.web.admin_words import ACTS, SUBJECTS
from tests.controller.site import Client, Site
from tests.passwords import PASSWORD

ACT = re.compile(r"[a-z]+\.[a-z_]*")
SERVICES = Path(__file__).parents[2] / "loa/controller/services"

WRITES: dict[str, set[str]] = {
    "Alarms.hand_in": {"bulletin.created", "bulletin.submitted"},
    "Alarms.make": {"recording.kept"},
    "Alarms.ready": {"recording.kept"},
    "Alarms.sound": {"bulletin.created"},
    "Areas.add": {"area.added"},
    "Areas.change": {"area.changed"},
    "Areas.close": {"area.closed"},
    "Areas.insert": {"area.added"},
    "Areas.move": {"area.moved"},
    "Areas.set_members": {"zone.changed"},
    "Backups.file": {"backup.downloaded"},
    "Backups.make": {"backup.made"},
    "Broadcasts.approve": {"broadcast.approved", "bulletin.approved"},
    "Broadcasts.drill": {"broadcast.approved", "bulletin.approved"},
    "Broadcasts.emergency": {"broadcast.approved", "bulletin.approved"},
    "Broadcasts.reissue": {"broadcast.approved"},
    "Broadcasts.sign": {"broadcast.approved", "bulletin.approved", "bulletin.half_approved"},
    "Bulletins.approved": {"bulletin.approved"},
    "Bulletins.create": {"bulletin.created"},
    "Bulletins.delete": {"bulletin.deleted"},
    "Bulletins.give_back": {"bulletin.returned"},
    "Bulletins.half_approved": {"bulletin.half_approved"},
    "Bulletins.move": {"bulletin.saved", "bulletin.submitted"},
    "Bulletins.restore": {"bulletin.saved"},
    "Bulletins.save": {"bulletin.saved"},
    "Bulletins.submit": {"bulletin.submitted"},
    "Feeds.renew": {"feed.made"},
    "Feeds.revoke": {"feed.revoked"},
    "Inbox.choose": {"broadcast.approved", "inbox.chosen"},
    "Inbox.leave": {"inbox.left"},
    "Inbox.order": {"area.ordered"},
    "Invitations.accept": {"user.own_password"},
    "Invitations.open": {"user.invited"},
    "Nodes.add": {"area.added"},
    "Nodes.ask_self_test": {"node.self_test"},
    "Nodes.change_settings": {"node.changed"},
    "Nodes.enrol": {"node.enrolled"},
    "Nodes.insert": {"area.added"},
    "Nodes.keep_identity": {"node.identity_kept"},
    "Nodes.move": {"area.moved"},
    "Nodes.new_code": {"node.code"},
    "Nodes.refuse_identity": {"node.identity_refused"},
    "Nodes.release": {"node.released"},
    "Nodes.rename": {"node.changed"},
    "Nodes.retire": {"node.retired"},
    "Nodes.schedule_self_test": {"node.changed"},
    "Passkeys.finish": {"passkey.added"},
    "Passkeys.remove": {"passkey.removed"},
    "People.add": {"role.given", "user.added"},
    "People.change": {"user.changed"},
    "People.end_sessions": {"user.sessions_ended"},
    "People.grant": {"role.given", "role.taken"},
    "People.insert": {"role.given", "user.added"},
    "People.set_own_password": {"user.own_password"},
    "Profiles.save": {"user.own_profile"},
    "PapersKeeper.compose": {"trust.composed"},
    "PapersKeeper.sign": {"trust.in_force", "trust.signed"},
    "PapersKeeper.take": {"trust.appointed"},
    "Recordings.accept": {"recording.kept"},
    "Recordings.finish": {"recording.kept"},
    "Recordings.make_alarm": {"recording.kept"},
    "Recordings.make_siren": {"recording.kept"},
    "Recordings.make_speech": {"recording.kept"},
    "Recordings.speak": {"recording.kept"},
    "Recordings.speak_alarm": {"recording.kept"},
    "Recordings.speak_drill": {"recording.kept"},
    "Recordings.take": {"recording.kept"},
    "Recoveries.cancel": {"recovery.cancelled"},
    "Recoveries.confirm": {"recovery.confirmed"},
    "Recoveries.open": {"recovery.opened"},
    "Recoveries.recover": {"recovery.used"},
    "Releases.finish": {"release.added"},
    "Releases.keep": {"release.added"},
    "Reshapes.merge": {"area.", "role.given"},
    "Reshapes.split": {"area.", "area.added", "role.given"},
    "Reshapes.undo": {"area.", "role.taken"},
    "Rollouts.advance": {"rollout.done", "rollout.halted", "rollout.next_stage"},
    "Rollouts.halt": {"rollout.halted"},
    "Rollouts.start": {"rollout.started"},
    "SecondFactors.confirm": {"factor.added"},
    "SecondFactors.remove": {"factor.code_used", "factor.removed"},
    "SecondFactors.renew_codes": {"factor.code_used", "factor.codes_renewed"},
    "SecondFactors.take": {"factor.code_used"},
    "Sessions.complete": {"factor.code_used", "session.code_refused", "session.opened"},
    "Sessions.end": {"session.closed"},
    "Sessions.end_one": {"session.ended"},
    "Sessions.end_others": {"session.others_ended"},
    "Sessions.make_token": {"token.made"},
    "Sessions.open_for": {"session.opened"},
    "Sessions.revoke_token": {"token.revoked"},
    "Sessions.sign_in": {"session.opened"},
    "Setup.finish": {"area.added", "role.given", "session.opened", "user.added"},
    "Silences.merge": {"silence.issued"},
    "Silences.silence": {"silence.issued"},
    "StandingMessages.make_missing": {"recording.kept", "standing.changed"},
    "StandingMessages.replace": {"standing.changed"},
    "Uploads.finish": {"recording.kept"},
    "WhereaboutsKeeper.change": {"area.located"},
    "WhereaboutsKeeper.import_outlines": {"area.located"},
    "WhereaboutsKeeper.insert": {"area.located"},
    "WhereaboutsKeeper.undo": {"area.located"},
    "Withdrawals.withdraw": {"broadcast.withdrawn"},
}
"""What services do, and the lines that they write for it; `area.` is completed by what was done."""
UNWRITTEN = {
    "Areas.moved": "only tells nodes",
    "Audit.note": "writes the line itself",
    "Certificates.certify": "part of an enrolment or a renewal",
    "Chores.add": "what a job leaves for later",
    "Idempotency.once": "keeps the answer to an act",
    "Passkeys.rename": "a name for oneself",
    "People.set_password": "whoever calls it says how it came about",
    "Placing.changed": "only tells nodes",
    "Placing.place": "part of an approval",
    "Placing.place_emergency": "part of an approval",
    "Placing.tell": "only tells nodes",
    "Renewals.renew": "nodes do so by themselves; each certificate is kept with its serial number",
    "ReportChains.keep": "what a node has reported is no act of a person",
    "SavedFilters.delete": "a bookmark",
    "SavedFilters.save": "a bookmark",
    "SecondFactors.ask": "sets a date at the sign-in",
    "SecondFactors.begin": "nothing holds until it is confirmed",
}
"""What takes a transaction and is no act of its own, with the reason."""
LOGGED = {
    "node.chain_broken",
    "node.concerns",
    "node.diverges",
    "node.identity",
    "node.identity_not_noted",
    "node.presence",
    "silence.area_unknown",
    "silence.not_written",
    "standing.made",
}
"""Words of log lines that look like acts."""
AT_THE_TERMINAL = {"keys.renewed", "trust.root_succeeded"}
"""Acts of commands that run while the controller stands still."""


def test_the_table_is_what_the_services_write() -> None:
    """Whoever adds an act, or takes the note of one away, changes this table, and a reader sees it."""
    found = {name: set(lines) for name, lines in methods().items() if lines}
    assert found == WRITES
    assert {name for name, lines in methods().items() if not lines} == set(UNWRITTEN)


def test_every_line_can_be_said_to_people() -> None:
    acts = {act for lines in WRITES.values() for act in lines if not act.endswith(".")}
    assert {act.partition(".")[0] for act in acts} <= set(SUBJECTS)
    made = {f"area.{kind}" for kind in ("merged", "split", "merged_undone", "split_undone")}
    assert set(ACTS) <= acts | made | AT_THE_TERMINAL, "words for acts that nobody does"


class Deeds:
    """People at their programs, doing what has to be written down."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.quan = site.user("quan", (COMMUNE, Role.ADMIN))
        self.mai = site.user("mai", (COMMUNE, Role.OFFICIAL))
        self.hoa = site.user("hoa", (COMMUNE, Role.APPROVER))

    def ok(self, who: Client, method: str, path: str, content: object = None, **headers: str) -> Any:  # noqa: ANN401 -- JSON
        answer = who.ask(method, path, content, **headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def bulletin(self) -> Any:  # noqa: ANN401 -- JSON
        plan = {
            "audience": [COMMUNE],
            "when": {"tz": "Asia/Ho_Chi_Minh", "start_local": "2030-01-01T10:00:00"},
        }
        text = {"area": COMMUNE, "title": "Thử", "field": "health", "plan": plan}
        return self.ok(self.mai, "POST", "/bulletins", text)


def _in_and_out(site: Site) -> None:
    client = site.client()
    signed = client.post("/sessions", {"user": "mai", "password": PASSWORD})
    assert signed.status_code == 201
    out = client.ask("DELETE", "/sessions/current", x_csrf_token=signed.json()["csrf"])
    assert out.status_code == 204


def _token(deeds: Deeds) -> None:
    deeds.ok(deeds.mai, "POST", "/tokens", {"name": "thống kê", "days": 1})
    made = deeds.ok(deeds.mai, "GET", "/tokens")["items"]
    deeds.ok(deeds.mai, "DELETE", f"/tokens/{next(one['id'] for one in made if one['name'] == 'thống kê')}")


USER = {"id": "lan", "name": "Lan", "password": PASSWORD, "roles": [{"area": COMMUNE, "role": "official"}]}
AREA = {"name": "Thôn Mới", "kind": "village", "parent": COMMUNE}
ROLES = {"roles": [{"area": VILLAGES[0], "role": "official"}]}
DEEDS: dict[str, tuple[Callable[[Deeds], object], list[str]]] = {
    "sign in and out": (
        lambda all_: _in_and_out(all_.site),
        ["session.opened", "session.closed"],
    ),
    "add a person": (
        lambda all_: all_.ok(all_.quan, "POST", "/users", USER, idempotency_key="a"),
        ["user.added", "role.given"],
    ),
    "change roles": (
        lambda all_: all_.ok(all_.quan, "PUT", "/users/mai/roles", ROLES, idempotency_key="a"),
        ["role.given", "role.taken"],
    ),
    "close an account": (
        lambda all_: all_.ok(all_.quan, "PATCH", "/users/mai", {"active": False}, idempotency_key="a"),
        ["user.changed"],
    ),
    "make and end a token": (
        _token,
        ["token.made", "token.revoked"],
    ),
    "open and cancel a recovery": (
        lambda all_: (
            all_.ok(all_.quan, "POST", "/users/mai/recovery", {"reason": "mất máy"}),
            all_.ok(all_.mai, "DELETE", "/users/mai/recovery"),
        ),
        ["recovery.opened", "recovery.cancelled"],
    ),
    "add an area": (
        lambda all_: all_.ok(all_.quan, "POST", "/areas", AREA, idempotency_key="a"),
        ["area.added"],
    ),
    "write a bulletin": (lambda all_: all_.bulletin(), ["bulletin.created"]),
    "stop the sound": (
        lambda all_: (
            all_.ok(all_.mai, "POST", f"/areas/{COMMUNE}/silences", {"minutes": 5}),
            all_.site.controller.silences.merge(),
        ),
        ["silence.issued"],
    ),
}


def lines(site: Site) -> list[str]:
    with site.controller.db.look() as session:
        return [sealed.line.act for sealed in all_lines(session)]


@pytest.fixture
def deeds(site: Site) -> Deeds:
    return Deeds(site)


@pytest.mark.parametrize("what", DEEDS)
def test_what_people_do_is_written_down_in_the_transaction_that_does_it(deeds: Deeds, what: str) -> None:
    before = len(lines(deeds.site))
    act, expected = DEEDS[what]
    act(deeds)
    assert sorted(lines(deeds.site)[before:]) == sorted(expected)


@cache
def classes() -> dict[str, ast.ClassDef]:
    """The services by name."""
    trees = [ast.parse(path.read_text()) for path in sorted(SERVICES.glob("*.py"))]
    return {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}


def functions(name: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in classes()[name].body if isinstance(node, ast.FunctionDef)}


@cache
def methods() -> dict[str, frozenset[str]]:
    """What others may call, with a transaction or with lines that it writes; and these lines."""
    found = {}
    for name in classes():
        for method, node in functions(name).items():
            lines = reached(f"{name}.{method}")
            in_hand = any(one.arg == "work" for one in node.args.args)
            if not method.startswith("_") and (lines or in_hand):
                found[f"{name}.{method}"] = lines
    return found


@cache
def neighbours(name: str) -> dict[str, str]:
    """The services that a service knows, by attribute."""
    init = functions(name).get("__init__")
    given = [] if init is None else init.args.kwonlyargs
    kinds = {f"_{one.arg}": ast.unparse(one.annotation) for one in given if one.annotation}
    return {attribute: kind for attribute, kind in kinds.items() if kind in classes()}


def reached(method: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """The acts that a method names, and those of the methods that it calls."""
    name, _, function = method.partition(".")
    node = functions(name).get(function)
    if node is None or method in seen:
        return frozenset()
    found = {
        one.value
        for statement in node.body
        for one in ast.walk(statement)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and ACT.fullmatch(one.value)
    }
    for call in (one for one in ast.walk(node) if isinstance(one, ast.Call)):
        parts = ast.unparse(call.func).split(".")
        if parts[0] == "self" and len(parts) == 2:
            found |= reached(f"{name}.{parts[1]}", seen | {method})
        elif parts[0] == "self" and len(parts) == 3 and (other := neighbours(name).get(parts[1])):
            found |= reached(f"{other}.{parts[2]}", seen | {method})
    return frozenset(one for one in found if one.partition(".")[0] in SUBJECTS and one not in LOGGED)
