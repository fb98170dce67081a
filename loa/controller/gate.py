"""Who asks: a person by session cookie or program token, or a node by its own signature."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from loa.controller.core.access import Person
from loa.controller.errors import Forbidden, Unauthenticated
from loa.controller.ports import Clock
from loa.controller.services.nodes import Nodes
from loa.controller.services.sessions import Sessions, SignedIn
from loa.controller.store.database import Database
from loa.protocol.ids import NodeId

SESSION_COOKIE = "loa_session"
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
    secure_cookies: bool

    def signed_in(self, request: Request) -> SignedIn:
        """Who sent the request; raises `Unauthenticated`. Does not look at the CSRF token."""
        secret = secret_of(request)
        with self.db.look() as session:
            return self.sessions.whose(session, secret)

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
        """Give the browser its session cookie; for so long from now, as a telephone's clock may be wrong."""
        response.set_cookie(
            SESSION_COOKIE,
            who.secret,
            max_age=round((who.expires_at - self.clock.now()).total_seconds()),
            path="/",
            secure=self.secure_cookies,
            httponly=True,
            samesite="lax",
        )

    def forget(self, response: Response) -> None:
        """Take the session cookie away."""
        response.delete_cookie(SESSION_COOKIE, path="/", secure=self.secure_cookies, httponly=True)


def secret_of(request: Request) -> str:
    """What the request carries of a session or token; raises `Unauthenticated`."""
    secret = _bearer(request) or request.cookies.get(SESSION_COOKIE)
    if secret is None:
        raise Unauthenticated("not_signed_in", "sign in first, or send a token in Authorization: Bearer")
    return secret


def check_csrf(who: SignedIn, given: str | None) -> None:
    """Return if the token given is the session's; else `Forbidden`."""
    if not who.csrf_fits(given):
        raise Forbidden(
            "csrf", "send the session's CSRF token in the header X-CSRF-Token or the form field csrf"
        )


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
