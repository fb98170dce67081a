import pytest
from pydantic import ValidationError

from loa.protocol.programme import Config, NodeSettings
from tests.node_agent.makers import make_config


def test_a_node_that_looks_ahead_for_less_than_two_days_cannot_be_set_up() -> None:
    with pytest.raises(ValidationError, match="fetch_ahead_ms"):
        NodeSettings.model_validate({"fetch_ahead_ms": 6 * 3_600_000})


def test_a_configuration_in_an_unknown_time_zone_is_refused_before_a_node_keeps_it() -> None:
    content = make_config().model_dump(mode="json") | {"tz": "Asia/Lang_Cong"}
    with pytest.raises(ValidationError, match="time zone"):
        Config.model_validate(content)
