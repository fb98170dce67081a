"""The configurations of nodes as they were last packed."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import Row, update
from sqlmodel import Session, col, select

from loa.controller.store.tables import NodeRow
from loa.protocol.ids import NodeId, StopId
from loa.protocol.programme import ConfigPointer, NodeSettings
from loa.protocol.reports import State


@dataclass(frozen=True, slots=True)
class Kept:
    """A node's configuration."""

    node: NodeId
    version: int
    body: bytes | None
    settings: NodeSettings


def kept_configs(session: Session, nodes: set[NodeId]) -> list[Kept]:
    """Of these nodes, as far as they are in service."""
    found = sqlalchemy.select(
        col(NodeRow.id),
        col(NodeRow.config_version),
        col(NodeRow.config_body),
        col(NodeRow.settings),
        col(NodeRow.released),
        col(NodeRow.self_test_at),
        col(NodeRow.self_test_asked_at),
    ).where(col(NodeRow.id).in_(nodes), col(NodeRow.retired_at).is_(None))
    return [
        Kept(NodeId(row.id), row.config_version, row.config_body, settings_of(row))
        for row in session.connection().execute(found)
    ]


def settings_in(column: str | None) -> NodeSettings:
    """As they are kept with a node."""
    return NodeSettings.from_bytes(column) if column else NodeSettings()


def config_body_of(session: Session, node: NodeId) -> bytes | None:
    """The body as it is fetched."""
    return session.exec(select(NodeRow.config_body).where(NodeRow.id == node)).first()


def config_versions(session: Session, nodes: set[NodeId]) -> dict[NodeId, int]:
    """The current versions."""
    found = select(NodeRow.id, NodeRow.config_version).where(col(NodeRow.id).in_(nodes))
    return {NodeId(node): version for node, version in session.exec(found)}


def behind_config(session: Session) -> list[str]:
    """Enrolled nodes in service that have not said that they hold their last configuration, by id."""
    found = select(NodeRow.id, NodeRow.config_version, NodeRow.state).where(
        col(NodeRow.key_x).is_not(None), col(NodeRow.retired_at).is_(None)
    )
    rows = session.exec(found.order_by(col(NodeRow.id)))
    return [node for node, last, state in rows if state is None or State.from_bytes(state).config < last]


def store_config(session: Session, pointer: ConfigPointer, packed: bytes) -> None:
    """Keep the body that the pointer names."""
    session.connection().execute(
        update(NodeRow)
        .where(col(NodeRow.id) == pointer.node)
        .values(
            config_version=pointer.version,
            config_sha256=pointer.sha256,
            config_body=packed,
            config_issued_at=pointer.issued_at,
        )
    )


def settings_of(row: NodeRow | Row[*tuple[Any, ...]]) -> NodeSettings:
    """All settings of a node: those that people gave it, its last released press, its self-tests."""
    more = {
        "released": StopId(row.released) if row.released else None,
        "self_test_at": row.self_test_at,
        "self_test_asked_at": row.self_test_asked_at,
    }
    return settings_in(row.settings).model_copy(update=more)
