"""The API's description: the problem's schema, which every refusal refers to."""

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
        return schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to complete it
