from collections.abc import Iterator
from typing import Any

import pytest

from loa.controller.core.access import Role
from tests.controller.site import Site

Operation = dict[str, Any]
OPEN = {"/healthz", "/readyz", "/metrics"}


@pytest.fixture
def described(site: Site) -> dict[str, Any]:
    return dict(site.client().get("/openapi.json").json())


def operations(described: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if path not in OPEN:
                yield f"{method.upper()} {path}", operation


def examples(content: dict[str, Any], schemas: dict[str, Any]) -> list[Any]:
    """Of a body, by its schema or one of those that it may have."""
    choices = content["schema"].get("anyOf", [content["schema"]])
    named = [schemas[one["$ref"].rpartition("/")[2]] for one in choices if "$ref" in one]
    return [example for schema in named for example in schema.get("examples", ())]


def bodies(described: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Each operation that takes JSON, with the examples of what it takes."""
    for name, operation in operations(described):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            yield name, examples(content, described["components"]["schemas"])


def test_each_request_body_has_an_example(described: dict[str, Any]) -> None:
    assert [name for name, shown in bodies(described) if not shown] == []


def test_each_operation_documents_its_problems(described: dict[str, Any]) -> None:
    without = [
        name
        for name, operation in operations(described)
        if not any(
            "application/problem+json" in answer.get("content", {})
            for answer in operation["responses"].values()
        )
    ]
    assert without == []


def test_each_operation_says_what_it_does(described: dict[str, Any]) -> None:
    silent = [name for name, operation in operations(described) if not operation.get("description")]
    assert silent == []


def test_documented_problems_are_those_that_are_sent(site: Site, described: dict[str, Any]) -> None:
    answer = site.client().get("/me")
    schema = described["components"]["schemas"]["Problem"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(schema["required"]) <= set(answer.json())
    assert "401" in described["paths"]["/api/v1/me"]["get"]["responses"]


def test_examples_are_accepted_as_documented(site: Site, described: dict[str, Any]) -> None:
    """What the examples name may not be there, but none is malformed."""
    client = site.user("quan", ("vinh-phuc", Role.ADMIN))
    client.base = "https://loa.test"
    malformed = []
    for name, shown in bodies(described):
        method, path = name.replace("{", "").replace("}", "").split(" ")
        for example in shown:
            answer = client.ask(method, path, example)
            faults = answer.json().get("faults", []) if answer.content else []
            malformed += [(name, fault) for fault in faults if fault["where"][0] == "body"]
    assert malformed == []
