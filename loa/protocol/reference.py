"""Writes `docs/protocol.md` from the code: the topic table, then every model with its fields."""

import ast
import inspect
import itertools
import re
import textwrap
import typing
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from loa.protocol import (
    bearer,
    broadcast,
    codec,
    health,
    policy,
    programme,
    reasons,
    release,
    reports,
    topics,
    when,
)
from loa.protocol.wire import Wire

_INTRO = """# The contract between controller and nodes

Written by `make docs` from `loa/protocol`; a test fails when it is stale.

JSON in UTF-8, one model a message, in a JWS envelope (compact serialisation, Ed25519; RFC 7515, RFC 8037,
RFC 9864). The header's `typ` names what is inside (`loa-<channel>`), its `kid` is the RFC 7638 thumbprint of
the key that signed: the controller's downwards, the node's own upwards. Instants are RFC 3339 in UTC with
three decimals. An absent field is absent, never null. Unknown fields are ignored; changes add; a retired name
is never used again; a breaking change is a new version of the topic.

Bodies that a pointer names are fetched over HTTP, `gzip` over the same envelope (`typ` `loa-body-programme`
and `loa-body-config`); their SHA-256 is over the bytes as fetched. The requests carry `Loa-Node: <node>` and
`Authorization: Bearer <token>`: a claim of the node and the instant, signed by the node's key (`typ`
`loa-token`), good for {life_s} s.

A broadcast travels as the text that was approved (`Entry.document`), so that its name, the SHA-256 of those
bytes, holds whatever a newer sender adds. Canonical bytes: sorted keys, no spaces, UTF-8, absent instead of
null. An approval of kind `controller` is a detached JWS (RFC 7515, appendix F; `typ` `loa-approval`) over the
canonical bytes of `{{"approved_at", "approver", "broadcast", "kind"}}`.

Reports of a journal are chained. `Reports.chain` is the chain before the batch's first report: 43 times `A`
at the beginning of a journal, and after each report the SHA-256, in base64url, over the chain before it (its
43 characters) and the report's canonical bytes, as they stand in the batch.

A bundle with a release of the agent is a plain tar archive: first `manifest.jws`, the `Manifest` in the
envelope (`typ` `loa-release`, signed by a release key), then the wheels, in the order in which the
manifest names them. It is fetched from `/api/v1/releases/{{sha256}}/content`.
"""

_MODELS: tuple[type[BaseModel], ...] = (
    broadcast.Broadcast,
    broadcast.RecordingSource,
    when.When,
    broadcast.Entry,
    broadcast.ControllerApproval,
    programme.Programme,
    programme.Withdrawal,
    programme.Silence,
    programme.Config,
    programme.NodeSettings,
    programme.ReleasePointer,
    release.Manifest,
    release.Wheel,
    policy.Policy,
    policy.PolicyVersion,
    policy.AllowedHours,
    policy.VolumeCap,
    policy.DailyMinutes,
    policy.OwnApproval,
    reports.PlayReport,
    reports.Evidence,
    reports.Sensed,
    reports.Levels,
    reports.Piece,
    reports.RefusalReport,
    reports.ProblemReport,
    reports.UpdateReport,
    reports.Held,
    reports.Output,
    reports.Stopped,
    health.Health,
)
_NAMES = {"AwareDatetime": "instant", "str": "text", "int": "whole number", "float": "number"}
_LIMITS = (
    ("ge", "≥"),
    ("gt", ">"),
    ("le", "≤"),
    ("lt", "<"),
    ("min_length", "length ≥"),
    ("max_length", "length ≤"),
)
_ENUMS: tuple[type[StrEnum], ...] = (
    reasons.Reason,
    reasons.RefusalReason,
    reasons.ProblemCode,
    reasons.UpdateOutcome,
    reasons.ClockState,
    reasons.ClockSource,
    reports.Detail,
    health.Concern,
)


def reference() -> str:
    """The whole page as Markdown."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield _INTRO.format(life_s=bearer.LIFE_MS // 1000)
    yield "## Topics\n"
    yield from _topic_table()
    yield f"\nA body may have {codec.BODY_LIMIT_BYTES:,} bytes when it is unpacked.\n"
    yield "## Messages\n"
    for row in topics.TABLE:
        yield from _model(row.model, f"{row.model.__name__} (`{row.channel}`)")
    yield "## Parts\n"
    for model in _MODELS:
        yield from _model(model, model.__name__)
    yield "## Words\n"
    for words in _ENUMS:
        yield from _enum(words)


def _topic_table() -> Iterator[str]:
    yield "| topic | direction | QoS | retained | limit | message | purpose |"
    yield "|---|---|---|---|---|---|---|"
    for row in topics.TABLE:
        direction = "node → controller" if row.upward else "controller → node"
        retained = "yes" if row.retained else "no"
        name = f"`{topics.PREFIX}/{row.owner}/{{{row.owner.name.lower()}}}/{row.channel}`"
        yield (
            f"| {name} | {direction} | {row.qos} | {retained} | {row.limit_bytes:,} B "
            f"| {row.model.__name__} | {row.purpose} |"
        )


def _model(model: type[BaseModel], heading: str) -> Iterator[str]:
    yield f"### {heading}\n"
    yield f"{_prose(inspect.cleandoc(model.__doc__ or ''))}\n"
    yield "| field | type | needed | meaning |"
    yield "|---|---|---|---|"
    meanings = _meanings(model)
    for name, field in model.model_fields.items():
        yield _field(field.alias or name, field, meanings.get(name, ""))
    yield ""


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """What stands in the string below each field, base classes first."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls.__module__.startswith("loa."):
            body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
            found |= _strings_below(typing.cast("ast.ClassDef", body).body)
    return found


def _strings_below(body: list[ast.stmt]) -> dict[str, str]:
    found = {}
    for field, below in itertools.pairwise(body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as text)),
            ):
                found[name] = _prose(inspect.cleandoc(text)).replace("\n", " ").replace("|", "\\|")
    return found


def _field(name: str, field: FieldInfo, meaning: str) -> str:
    default = "" if field.is_required() else _default(field)
    needed = "yes" if field.is_required() else f"no{', else ' + default if default else ''}"
    return f"| `{name}` | {_type(field)} | {needed} | {meaning} |"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ((), {}):
        return ""
    return f"`{value.to_bytes().decode()}`" if isinstance(value, Wire) else f"`{value}`"


def _type(field: FieldInfo) -> str:
    limits = [f"{words} {getattr(fact, name)}" for fact in field.metadata for name, words in _LIMITS
              if hasattr(fact, name)]  # fmt: skip
    return ", ".join([_name(field.annotation), *limits])


def _name(annotation: Any) -> str:  # noqa: ANN401 -- any type form that a field may have
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        return _name(arguments[0])
    if arguments and typing.get_origin(annotation) is not typing.Literal:
        inner = " or ".join(_name(part) for part in arguments if part not in (type(None), Ellipsis))
        origin = getattr(typing.get_origin(annotation), "__name__", "")
        if origin == "dict":
            return f"{_name(arguments[0])} → {_name(arguments[1])}"
        return inner if origin in {"Union", "UnionType"} else f"list of {inner}"
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(f"`{'true' if part is True else part}`" for part in arguments)
    name = str(getattr(annotation, "__name__", annotation))
    return _NAMES.get(name, name)


def _enum(words: type[StrEnum]) -> Iterator[str]:
    yield f"### {words.__name__}\n"
    yield f"{_prose(inspect.getdoc(words) or '')}\n"
    yield ", ".join(f"`{word}`" for word in words) + "\n"


def _prose(text: str) -> str:
    return re.sub(r"\n(?!\n)", " ", re.sub(r"\n\n", "\0", text)).replace("\0", "\n\n")


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 -- the command's output
