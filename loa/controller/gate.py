"""Who asks: a person by session cookie or program token, or a node by its own signature."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from loa.controller.core.access import Person
from loa.controller.errors import Forbidden, Unauthenticated
from loa.controller.ports import Clock
from loa.controller.services.nodes import Nodes
from loa.controller.services.sessions import Browser, Sessions, SignedIn
from loa.controller.store.database import Database
from loa.protocol.ids import NodeId

SESSION_COOKIE, DEVICE_COOKIE = "__Host-loa_session", "__Host-loa_device"
"""Browsers take a cookie of such a name only from this very host, over TLS, for all paths."""
DEVICE_LASTS_S = 400 * 24 * 3_600
"""The longest that browsers keep a cookie."""
CSRF_HEADER = "x-csrf-token"
NODE_HEADER = "loa-node"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Used by the API and the pages alike; thread-safe."""

    db: Database
    clock: Clock
    sessions: Sessions
    nodes: Nodes

    def signed_in(self, request: Request) -> SignedIn:
        """Who sent the request; raises `Unauthenticated`. Does not look at the CSRF token."""
        secret = self.secret_of(request)
        with self.db.look() as session:
            return self.sessions.whose(session, secret)

    def check(self, secret: str) -> Person:
        """Whose the session still is, without keeping it from being idle; raises `Unauthenticated`."""
        with self.db.look() as session:
            return self.sessions.whose(session, secret, passive=True).person

    def secret_of(self, request: Request) -> str:
        """What the request carries of a session or token; raises `Unauthenticated`."""
        secret = _bearer(request) or self.session_cookie(request)
        if not secret:
            raise Unauthenticated("not_signed_in", "sign in first, or send a token in Authorization: Bearer")
        return secret

    def session_cookie(self, request: Request) -> str:
        """The secret in the browser's session cookie; empty if there is none."""
        return request.cookies.get(SESSION_COOKIE, "")

    def browser(self, request: Request) -> Browser:
        """Where somebody signs in."""
        return Browser(
            source=request.client.host if request.client else "",
            agent=request.headers.get("user-agent", ""),
            device=request.cookies.get(DEVICE_COOKIE, ""),
        )

    def person(self, request: Request, *, unlocked: bool = False) -> Person:
        """As `signed_in`, and a browser's write must carry the CSRF token in its header."""
        who = self.signed_in(request)
        if who.must_change and not unlocked:
            raise Forbidden("password_to_change", "choose a password of your own first: PUT /me/password")
        if request.method not in SAFE_METHODS and _bearer(request) is None:
            check_csrf(who, request.headers.get(CSRF_HEADER))
        return who.person

    def node(self, request: Request) -> NodeId:
        """Which node sent the request; raises `Unauthenticated`."""
        name, token = request.headers.get(NODE_HEADER), _bearer(request)
        if name is None or token is None:
            raise Unauthenticated("node_not_known", "send Loa-Node and Authorization: Bearer")
        with self.db.look() as session:
            return self.nodes.authenticate(session, name, token)

    def keep(self, response: Response, who: SignedIn) -> None:
        """Give the browser its session cookie, and the one by which it is known next time.

        Both last so long from now on, as a telephone's clock may be wrong.
        """
        keep = partial(response.set_cookie, path="/", secure=True, httponly=True)
        lasts_s = round((who.expires_at - self.clock.now()).total_seconds())
        keep(SESSION_COOKIE, who.secret, max_age=lasts_s, samesite="lax")
        if who.device:
            keep(DEVICE_COOKIE, who.device, max_age=DEVICE_LASTS_S, samesite="strict")

    def forget(self, response: Response) -> None:
        """Take the session cookie away."""
        response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True)


def check_csrf(who: SignedIn, given: str | None) -> None:
    """Return if the token given is the session's; else `Forbidden`."""
    if not who.csrf_fits(given):
        raise Forbidden(
            "csrf", "send the session's CSRF token in the header X-CSRF-Token or the form field csrf"
        )


def check_origin(request: Request) -> None:
    """Return if a browser sent this from a page of this very site, or no browser did; else `Forbidden`."""
    origin = request.headers.get("origin")
    if origin in {None, "null"} and request.headers.get("sec-fetch-site", "same-origin") == "same-origin":
        return
    if urlsplit(origin or "").netloc != request.headers.get("host"):
        raise Forbidden("csrf", "send forms from the console's own pages")


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
