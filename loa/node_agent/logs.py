"""Log lines of the form `key=value`, one for each change of state, always with the ids."""

import logging
import sys


def say(log: logging.Logger, event: str, **facts: object) -> None:
    """One line at level INFO."""
    log.info("%s", _line(event, facts))


def shout(log: logging.Logger, event: str, **facts: object) -> None:
    """One line at level ERROR: somebody should look at it."""
    log.error("%s", _line(event, facts))


def set_up(level: str) -> None:
    """Everything to standard error, from where systemd takes it with its own time."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _line(event: str, facts: dict[str, object]) -> str:
    return " ".join([f"event={event}", *(f"{name}={_value(value)}" for name, value in facts.items())])


def _value(value: object) -> str:
    text = str(value)
    plain = text and not any(mark in text for mark in ' ="\n')
    return text if plain else '"' + text.replace('"', "'").replace("\n", " ") + '"'
