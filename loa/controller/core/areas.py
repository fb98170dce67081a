"""Areas (địa bàn): kinds, ranks, and how the tree may be built."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.tree import AreaKind
from loa.protocol.ids import AreaId
from loa.protocol.policy import Policy, PolicyVersion
from loa.schedules.policy import default_policy

AUTHORITY: Mapping[AreaKind, int] = {
    AreaKind.PROVINCE: 40,
    AreaKind.DISTRICT: 30,
    AreaKind.COMMUNE: 20,
    AreaKind.VILLAGE: 10,
    AreaKind.ZONE: 10,
    AreaKind.NODE: 0,
}
"""Rank of an area's word by its kind; it travels in broadcasts and silences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An area as it is kept; `tz` and `policy` of its own, None where its parent's hold."""

    id: AreaId
    name: str
    kind: AreaKind
    parent_id: AreaId | None
    authority: int
    tz: str | None
    policy: Policy | None
    created_at: datetime
    closed_at: datetime | None


def fits_below(kind: AreaKind, parent: AreaKind | None) -> bool:
    """Whether an area of this kind may stand below one of that kind; None is the top of the tree.

    Levels may be left out, since districts were abolished in 2025, but never stand upside down.
    """
    if parent is None:
        return kind not in {AreaKind.NODE, AreaKind.ZONE}
    if parent in {AreaKind.NODE, AreaKind.ZONE}:
        return False
    return kind is AreaKind.ZONE or AUTHORITY[kind] < AUTHORITY[parent]


def past_versions(policy: Policy | None, now: datetime) -> tuple[PolicyVersion, ...]:
    """The versions that were or are in force; of the default policy where there is none."""
    policy = default_policy() if policy is None else policy
    return tuple(version for version in policy.versions if version.effective_from <= now)
