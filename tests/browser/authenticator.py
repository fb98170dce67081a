"""Chromium's own software authenticator: a phone with a fingerprint reader in every page that asks for it."""

from typing import Any

from playwright.sync_api import CDPSession, Page

PHONE_READER = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Authenticator:
    """Of one page; its person touches it at once, unless it is told that a stranger does."""

    def __init__(self, page: Page) -> None:
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        made = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": PHONE_READER})
        self._id: str = made["authenticatorId"]

    def touched_by_a_stranger(self) -> None:
        """From now on nobody can prove to be the owner."""
        self._cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": False})

    def credentials(self) -> list[dict[str, Any]]:
        """What it keeps."""
        found = self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self._id})
        return list(found["credentials"])
