import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from loa.audio.speak import ESPEAK_VOICES
from loa.controller.core.access import Grant, Person, Role
from loa.controller.main import build
from loa.controller.settings import Settings
from loa.controller.store.folder import DataFolder
from loa.protocol.ids import AreaId

DOCUMENT = Path(__file__).parents[2] / "docs/settings.md"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's shell has set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LOA_{name.upper()}", raising=False)


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = re.findall(r"^\| `(LOA_\w+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(f"LOA_{name.upper()}" for name in Settings.model_fields)


def test_documented_defaults_are_the_defaults() -> None:
    plain = re.findall(r"^\| `(LOA_\w+)` \| `([^`<]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    settings = Settings()
    given = {name: getattr(settings, name.removeprefix("LOA_").lower()) for name, _ in plain}
    found = {
        name: json.dumps(value) if isinstance(value, tuple) else str(value) for name, value in given.items()
    }
    said = dict(plain)
    assert {name: value.lower() for name, value in found.items()} == {
        name: value.lower() for name, value in said.items()
    }


def test_the_database_lies_in_the_data_directory_unless_another_is_set(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).database == f"sqlite:///{tmp_path}/loa.db"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_BROKER_LISTEN", '["::1"]')
    monkeypatch.setenv("LOA_DATABASE_URL", "postgresql+psycopg://loa:secret@db/loa")
    settings = Settings()
    assert (settings.broker_listen, settings.database) == (("::1",), "postgresql+psycopg://loa:secret@db/loa")
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"http_port": 0},
        {"public_url": "https://loa.example/under/a/path"},
        {"public_url": "http://loa.example"},
        {"http_tls": "files"},
        {"broker_mode": "files"},
        {"keep_plays_days": 1},
        {"syslog_url": "http://log.example"},
        {"syslog_url": "tcp://user@log.example"},
        {"second_factor_roles": ["nobody"]},
        {"piper_voices": {"ha": "/no/such/voice.onnx"}},
        {"piper_voices": {"Thu Hà": __file__}},
    ],
)
def test_a_setting_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_a_piper_voice_is_offered_first_and_speaks(tmp_path: Path) -> None:
    program, model = tmp_path / "piper", tmp_path / "ha.onnx"
    model.touch()
    program.write_text('#!/bin/sh\nexec espeak-ng -v vi -s 250 -w "$4" --stdin\n')
    program.chmod(0o755)
    settings = Settings(data_dir=tmp_path, piper_voices={"ha": model}, piper_program=str(program))
    folder = DataFolder(tmp_path)
    folder.prepare()
    folder.make_key()
    controller = build(settings)
    controller.db.migrate()
    assert controller.recordings.voices == ("ha", *ESPEAK_VOICES)
    writer = Person("mai", "Mai", frozenset({Grant(AreaId("lang-cong"), Role.OFFICIAL)}))
    preferred, _ = controller.recordings.speak(writer, "Kính thưa bà con.", chime=False)
    other, _ = controller.recordings.speak(writer, "Kính thưa bà con.", voice="vi", chime=False)
    for part in reversed(controller.parts):
        if part.name in {"journal of silences", "database"}:
            part.stop()
    assert preferred.duration_ms < other.duration_ms
