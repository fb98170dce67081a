"""Who must leave an approval to somebody else: the author, unless the policy of the area says otherwise."""

from collections.abc import Collection
from datetime import datetime

from loa.controller.core.tree import Tree
from loa.protocol.ids import AreaId
from loa.protocol.policy import OwnApproval, PolicyVersion
from loa.schedules.policy import NO_POLICY, version_at

OTHERS_APPROVE = OwnApproval(
    allowed=False, legal_source="Mặc định của Loa: bản tin do người khác với người soạn duyệt"
)
"""Where the policy says nothing about it."""


def own_approval(tree: Tree, area: AreaId, now: datetime) -> OwnApproval:
    """What the policy in force there, its own or that of the nearest area above, says of what it issues."""
    policy = tree.policy_of(area) if area in tree else None
    return own_approval_in(NO_POLICY if policy is None else version_at(policy, now))


def own_approval_in(version: PolicyVersion) -> OwnApproval:
    """What one version says of it."""
    return version.own_approval or OTHERS_APPROVE


def needs_another(tree: Tree, area: AreaId, authors: Collection[str], user_id: str, now: datetime) -> bool:
    """Whether this person is among the authors, so that somebody else must approve what the area issues."""
    return user_id in authors and not own_approval(tree, area, now).allowed
