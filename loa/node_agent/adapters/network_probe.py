"""Asks the way to the controller and the broker, one step after the other, for the doctor."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ssl import SSLCertVerificationError
from urllib.parse import urlsplit

import urllib3

from loa.node_agent.adapters.address_book import WITHIN_S, knock
from loa.node_agent.adapters.enrolment import Enrolment, MqttPlace
from loa.node_agent.adapters.tls import Pass, web_context
from loa.node_agent.core.findings import Finding, Verdict, problem, well
from loa.protocol.ids import NodeId

_HTTPS = 443
_OK = 200
_HALF_A_SECOND = 0.5


@dataclass(frozen=True, slots=True)
class Network:
    """What was found, and how far our clock is ahead of the controller's."""

    findings: tuple[Finding, ...]
    ahead_s: float | None


def probe_network(enrolment: Enrolment, shows: Pass, now: Callable[[], datetime]) -> Network:
    """Both ways, HTTP and MQTT; each step only if the one before it came through."""
    url = urlsplit(enrolment.base_url)
    to_controller = _way("controller", url.hostname or "", url.port or _HTTPS)
    answer = _ask(enrolment, now) if to_controller.verdict is Verdict.WELL else Network((), None)
    place = enrolment.mqtt
    to_broker = _way("broker", place.host.strip("[]"), place.port)
    login = [_log_in(enrolment.node, place, shows)] if to_broker.verdict is Verdict.WELL else []
    return Network((to_controller, *answer.findings, to_broker, *login), answer.ahead_s)


def _way(to: str, host: str, port: int) -> Finding:
    """Name, then connection."""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        do = "See `resolvectl status`: is the SIM or cable connected, and is a name server set?"
        return problem("Network", f"The name of the {to}, {host}, cannot be looked up: {error.strerror}.", do)
    try:
        socket.create_connection((host, port), timeout=WITHIN_S).close()
    except OSError as error:
        do = f"Is the {to} on? Does the network let TCP port {port} out? Try it from another machine."
        return problem("Network", f"The {to} at {host} port {port} does not answer: {error}.", do)
    return well("Network", f"The {to} at {host} port {port} can be reached.")


def _ask(enrolment: Enrolment, now: Callable[[], datetime]) -> Network:
    """Whether it is a controller that answers, and what time it has there."""
    url = enrolment.base_url.rstrip("/") + "/healthz"
    do = "Is something else at this address, a proxy or a login page? On the controller: `curl " + url + "`."
    context = web_context(enrolment.authority)
    try:
        with urllib3.PoolManager(retries=False, timeout=WITHIN_S, ssl_context=context) as pool:
            asked_at = now()
            answer = pool.request("GET", url, redirect=False)
            answered_at = now()
    except urllib3.exceptions.HTTPError as error:
        return Network((problem("Network", f"{url} does not answer: {error}.", do),), None)
    if answer.status != _OK or not _is_controller(answer):
        said = f"What answers at {url} is no controller of Loa (status {answer.status})."
        return Network((problem("Network", said, do),), None)
    finding = well("Network", "The controller answers.")
    return Network((finding,), _ahead_s(answer.headers.get("Date"), asked_at, answered_at))


def _is_controller(answer: urllib3.BaseHTTPResponse) -> bool:
    try:
        return bool(answer.json()["alive"])
    except (ValueError, KeyError, TypeError):
        return False


def _ahead_s(date: str | None, asked_at: datetime, answered_at: datetime) -> float | None:
    """The header was written between the two, and shows whole seconds."""
    try:
        theirs = parsedate_to_datetime(date or "").astimezone(UTC)
    except ValueError:
        return None
    middle = asked_at + (answered_at - asked_at) / 2
    return (middle - theirs).total_seconds() - _HALF_A_SECOND


def _log_in(node: NodeId, place: MqttPlace, shows: Pass) -> Finding:
    """Whether the broker takes the certificate."""
    try:
        knock(place.host, place.port, shows)
        refusal = None
    except SSLCertVerificationError as error:
        do = "Something stands between this node and the broker, or the controller was set up anew."
        return problem("Network", f"Who answers is not the broker: {error.verify_message}.", do)
    except OSError as error:
        refusal = str(error)
    if refusal is None:
        return well("Network", f"The broker lets {node} in.")
    do = "The node was retired, or enrolled anew elsewhere: get a code on the controller, `loa-node enrol`."
    return problem("Network", f"The broker refuses {node}: {refusal}.", do)
