"""The API's description, completed: the problem's schema, and examples of whole bodies."""

from typing import Any

from fastapi import FastAPI

from loa.controller.api.problems import Problem


def install(app: FastAPI) -> None:
    """Complete the description that FastAPI makes, once, when it is first asked for."""
    make = app.openapi

    def described() -> dict[str, Any]:
        schema = make()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", Problem.model_json_schema())
        for one in schemas.values():
            _show(one)
        return schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to complete it


def _show(schema: dict[str, Any]) -> None:
    """Give it an example as a whole, if each field that must be there has one."""
    fields: dict[str, dict[str, Any]] = schema.get("properties", {})
    shown = {name: field["examples"][0] for name, field in fields.items() if field.get("examples")}
    if shown and "examples" not in schema and set(schema.get("required", ())) <= set(shown):
        schema["examples"] = [shown]
