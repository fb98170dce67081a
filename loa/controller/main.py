"""The command `loa-controller`, and the one place that builds adapters and wires services."""

import os
import sys

import structlog
import typer
from fastapi import FastAPI

from loa.controller import (
    audit_commands,
    commands,
    doctor_command,
    key_commands,
    map_commands,
    release_commands,
    report_commands,
    root_commands,
)
from loa.controller.api.app import create_app
from loa.controller.building import build
from loa.controller.composition import Controller
from loa.controller.demo.run import demo
from loa.controller.serving import living, serve
from loa.controller.settings import Settings
from loa.controller.store.folder import DataFolder
from loa.controller.web import pages

_log = structlog.get_logger(__name__)
__all__ = ["application", "build", "program", "run"]
THREADS_TAKE_TURNS_S = 0.0005
"""Python's own 5 ms would add up, from thread to thread, on an emergency's way to the broker."""


def run() -> None:
    """The console script."""
    program()()


def program() -> typer.Typer:
    """All commands."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="The broadcast controller of Loa.",
    )
    app.command("serve")(serve_controller)
    app.command("demo")(run_demo)
    commands.add_to(app)
    release_commands.add_to(app)
    root_commands.add_to(app)
    map_commands.add_to(app)
    audit_commands.add_to(app)
    report_commands.add_to(app)
    doctor_command.add_to(app)
    key_commands.add_to(app)
    return app


def serve_controller() -> None:
    """Answer people and nodes until told to stop; takes its settings from the environment."""
    with commands.told():
        settings = commands.read_settings()
        sys.setswitchinterval(THREADS_TAKE_TURNS_S)
        with DataFolder(settings.data_dir).held():
            commands.make_first_key(settings)
            controller = build(settings)
            app = application(controller, settings)
            serve(app, settings, tls=controller.tls, before_end=controller.release_pages)


def run_demo() -> None:
    """Play an announcement, an emergency and a STOP to a small commune, and judge what sounded."""
    raise typer.Exit(demo(os.environ))


def application(controller: Controller, settings: Settings) -> FastAPI:
    """API and pages over a controller, which they start and stop."""
    app = create_app(controller, life=living(controller), body_limit_bytes=settings.request_limit_bytes)
    pages.mount(app, controller, upload_bytes=settings.upload_limit_bytes)
    return app
