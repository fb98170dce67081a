"""The audit trail says every act in words."""

import ast
import re
from pathlib import Path

from loa.controller import services
from loa.controller.web.admin_words import ACTS

ACT = re.compile(r"[a-z]+\.[a-z_]+")


def noted() -> set[str]:
    """What services write into the audit trail, where it stands in the call."""
    found: set[str] = set()
    for path in Path(services.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr="note" | "_note"), args=args):
                    texts = [one.value for one in args if isinstance(one, ast.Constant)]
                    found |= {text for text in texts if isinstance(text, str) and ACT.fullmatch(text)}
    return found


def test_every_act_of_the_audit_trail_has_words() -> None:
    acts = noted()
    assert len(acts) > 25
    assert not acts - set(ACTS)
