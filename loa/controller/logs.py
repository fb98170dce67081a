"""Log lines: one a change of state, for people at a terminal or as JSON for machines."""

import logging
import sys

import structlog

from loa.controller.settings import LogFormat

QUIET = ("uvicorn.access", "httpx", "httpcore", "apscheduler", "alembic", "multipart", "python_multipart")
"""Libraries that speak of every little thing: only their warnings count."""


def configure(form: LogFormat, level: str) -> None:
    """Send everything, libraries included, to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(form, shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _formatter(form: LogFormat, shared: list[structlog.typing.Processor]) -> logging.Formatter:
    last: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form is LogFormat.JSON:
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        # Not the rich form: it prints the values of locals, secrets among them.
        plain = structlog.dev.plain_traceback
        last.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain))
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
