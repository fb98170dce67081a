"""What every test may need: Hypothesis profiles and free ports. Waiting is in `tests/waiting.py`."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from tests import loopback

# No deadline: a slow, shared machine is no defect.
# `thorough` is for a night: HYPOTHESIS_PROFILE=thorough make test
settings.register_profile(
    "usual", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.register_profile("thorough", settings.get_profile("usual"), max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))


@pytest.fixture
def free_port() -> Callable[[str], int]:
    """Gives a TCP port on which nobody listens, of the host asked for (`127.0.0.1` or `::1`)."""
    return loopback.free_port
