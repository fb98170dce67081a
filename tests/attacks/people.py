"""People with passkeys, who sign over the same addresses as their browsers."""

import html
import json
import re
from collections.abc import Sequence
from ssl import SSLContext

import httpx

from loa.protocol.base64url import from_base64url
from loa.protocol.passkey import RelyingParty
from tests.controller.passkeys import created
from tests.flow.office import Desk, Json, Refused
from tests.passkeys import SoftPasskey

TRUST = "/admin/trust"


class Person(Desk):
    """Somebody with a telephone, in which there is a passkey."""

    def __init__(self, base_url: str, name: str, trust: SSLContext, party: RelyingParty) -> None:
        super().__init__(base_url, name, trust)
        self.name = name
        self.passkey = SoftPasskey()
        self._base_url = base_url
        self._party = party

    def make_passkey(self) -> None:
        """Sign in and have the passkey registered."""
        self.sign_in()
        challenge = self.post("/me/passkeys/options")["challenge"]
        credential = created(self.passkey, challenge, party=self._party)
        self.post("/me/passkeys", {"name": "Điện thoại", "credential": credential})

    def approve(self, bulletin: str, revision: int) -> Json:
        """Sign what is to be signed of a bulletin; the answer."""
        path = f"/bulletins/{bulletin}"
        asked = self.get(f"{path}/to-sign", revision=revision)
        assertion = self.passkey.sign(from_base64url(asked["challenge"]), party=self._party)
        given = {"document": asked["document"], "assertion": assertion.model_dump(mode="json")}
        return self.post(f"{path}/sign", given, revision=revision)

    def compose_papers(self, area: str) -> None:
        """Have roster and charter made of what the console knows by now."""
        self._send(f"{TRUST}/areas/{area}", csrf=_csrf(self._page()))

    def sign_papers(self) -> None:
        """Sign every paper that waits for this keeper."""
        for paper, challenge in _asked(self._page()):
            assertion = self.passkey.sign(from_base64url(challenge), party=self._party)
            self._send(
                f"{TRUST}/papers/{paper}", csrf=_csrf(self._page()), assertion=assertion.model_dump_json()
            )

    def _page(self) -> str:
        answer = self._client.get(self._base_url + TRUST)
        if not answer.is_success:
            raise Refused(answer)
        return answer.text

    def _send(self, path: str, **form: str) -> None:
        answer = self._client.post(self._base_url + path, data=form, headers={"origin": self._base_url})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise Refused(answer)


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, "a page without a form"
    return found[1]


def _asked(page: str) -> Sequence[tuple[str, str]]:
    """The papers that wait for whoever sees the page, and the challenge of each."""
    forms = re.findall(r'action="/admin/trust/papers/([0-9a-f]+)" data-passkey-sign="([^"]+)"', page)
    return [(paper, json.loads(html.unescape(asked))["challenge"]) for paper, asked in forms]
