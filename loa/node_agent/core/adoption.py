"""Taking in a new configuration without changing the past."""

from datetime import datetime

from loa.protocol.policy import Policy, PolicyVersion
from loa.protocol.programme import Config
from loa.schedules.policy import version_at


def adopt(held: Config | None, arrived: Config, at: datetime) -> Config:
    """`arrived`, with a policy that up to `at` says what `held` said.

    A policy that arrives after it became effective counts from its arrival, or what has sounded would be
    judged by rules that this node did not know. The first policy of a node holds as it comes.
    """
    if held is None or held.policy == arrived.policy:
        return arrived
    policy = Policy(versions=(*_until(held.policy, at), *_from(held.policy, arrived.policy, at)))
    return arrived.model_copy(update={"policy": policy})


def _until(policy: Policy, at: datetime) -> tuple[PolicyVersion, ...]:
    return tuple(version for version in policy.versions if version.effective_from < at)


def _from(held: Policy, arrived: Policy, at: datetime) -> list[PolicyVersion]:
    now = version_at(arrived, at).model_copy(update={"effective_from": at})
    later = [version for version in arrived.versions if version.effective_from > at]
    before = version_at(held, at)
    goes_on = before.effective_from < at and now == before.model_copy(update={"effective_from": at})
    return later if goes_on else [now, *later]
