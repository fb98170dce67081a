"""Free ports on the loopback, IPv4 or IPv6."""

import random
import socket

# Below the range from which Linux takes the ports of outgoing connections, so that none of those steps in
# between finding a port and listening on it.
PORTS = range(15_000, 32_000)


def is_open(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of `host` (`127.0.0.1` or `::1`) on which nobody listens at this moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in random.SystemRandom().sample(PORTS, 200):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    message = f"200 ports of {host} were tried and all were taken"
    raise AssertionError(message)
