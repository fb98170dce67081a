import json
import shutil
import subprocess
from typing import Any

_WITHIN_S = 5.0


def signal_pct() -> int | None:
    """Quality of the mobile signal as ModemManager tells it; None without a modem or ModemManager."""
    program = shutil.which("mmcli")
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, "--modem", "any", "--output-json"], capture_output=True, timeout=_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return read_signal(answer.stdout)


def read_signal(answer: bytes) -> int | None:
    """From the JSON of `mmcli --modem any --output-json`, which gives every value as text."""
    try:
        told: Any = json.loads(answer)
        return int(told["modem"]["generic"]["signal-quality"]["value"])
    except (ValueError, KeyError, TypeError):
        return None
