"""What programs send by mistake or on purpose: told, never taken for something else, never a failure."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from loa.controller.api.words import Words
from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from tests.controller.site import Client, Site

REFUSED = (422, "invalid_request")


@pytest.fixture
def admin(site: Site) -> Client:
    return site.user("quan", (COMMUNE, Role.ADMIN), (COMMUNE, Role.APPROVER))


def bodies_of(site: Site) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body of JSON that the description names, with where it goes."""
    described = site.app.openapi()
    for path, methods in described["paths"].items():
        for method, one in methods.items():
            schema = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if schema is None:
                continue
            names = [
                part["$ref"].rpartition("/")[2] for part in schema.get("anyOf", [schema]) if "$ref" in part
            ]
            yield f"{method} {path}", described["components"]["schemas"][names[0]]


def test_no_body_takes_a_member_that_it_does_not_know(site: Site) -> None:
    lenient = {where for where, schema in bodies_of(site) if schema.get("additionalProperties") is not False}
    assert lenient == {"post /api/v1/enrolments", "post /api/v1/nodes/{node}/certificate"}, (
        "a node may be newer than its controller, a person's program not"
    )


def test_a_misspelt_length_of_a_stop_is_told(admin: Client) -> None:
    answer = admin.post(f"/areas/{COMMUNE}/silences", {"minute": 5})
    assert (answer.status_code, answer.json()["code"]) == REFUSED
    assert answer.json()["faults"][0]["where"] == ["body", "minute"]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=1.²",
        "cursor=1.99999999999999999999",
        "cursor=x",
        "cursor=1.%00",
        "from=0001-01-01T00:00:00%2B14:00",
        "to=9999-12-31T23:59:59-14:00",
        "from=2026-06-01T00:00:00",
        "field=%00",
        "from_at=2026-06-01T00:00:00Z",
    ],
    ids=str,
)
def test_a_question_to_the_log_that_means_nothing_is_refused(admin: Client, query: str) -> None:
    answer = admin.get(f"/log?{query}")
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("query", ["cursor=1.x", "from=0001-01-01T00:00:00%2B14:00", "bogus=1"])
def test_a_question_for_incidents_that_means_nothing_is_refused(admin: Client, query: str) -> None:
    assert admin.get(f"/incidents?{query}").status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/users", {"id": "lan", "name": "L\0", "password": "hoa sen trang 1986"}),
        ("/areas", {"name": "Thôn\0", "kind": "village", "parent": COMMUNE, "id": "moi"}),
        ("/nodes", {"name": "Cụm\0", "parent": VILLAGES[0], "id": "moi"}),
        ("/tokens", {"name": "\0"}),
        ("/sessions", {"user": "quan\0", "password": "x"}),
    ],
)
def test_no_text_holds_what_cannot_be_kept(admin: Client, path: str, body: dict[str, str]) -> None:
    answer = admin.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == REFUSED


@pytest.mark.parametrize("text", ["\ud800", "xin chào \udfff", "\0"])
def test_no_text_is_taken_that_utf_8_or_a_database_cannot_write(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Words).validate_python(text)


@pytest.mark.parametrize("member", ["rule", "RRULE", "start"])
def test_a_misspelt_recurrence_is_not_taken_for_none(admin: Client, member: str) -> None:
    when = {"start_local": "2026-11-25T09:00", member: "FREQ=DAILY"}
    plan = {"audience": [COMMUNE], "when": when}
    for path, body in (
        ("/bulletins", {"area": COMMUNE, "plan": plan}),
        ("/previews", {"area": COMMUNE, "plan": plan}),
        (f"/areas/{COMMUNE}/inbox/{'0' * 64}/choose", {"when": when}),
    ):
        answer = admin.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == REFUSED
        assert member in answer.text


def test_a_page_of_the_audit_beyond_all_numbers_is_refused(admin: Client) -> None:
    assert admin.get(f"/audit?cursor={10**30}").status_code == 422
