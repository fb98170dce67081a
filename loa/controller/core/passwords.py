"""What a password and a user name must be, and how long to wait after wrong ones."""

SHORTEST = 10
LONGEST = 200
FREE_ATTEMPTS = 3
LONGEST_WAIT_S = 60


def is_acceptable(password: str, user_id: str) -> bool:
    """Length alone decides (NIST SP 800-63B), and it must not be the user's name over and over."""
    if not SHORTEST <= len(password) <= LONGEST or len(set(password)) < FREE_ATTEMPTS:
        return False
    return password.lower().replace(user_id.lower(), "").strip() != ""


def wait_s(failures: int, free: int = FREE_ATTEMPTS) -> int:
    """Seconds to wait after that many failures in a row: none at first, then doubling, never for ever."""
    if failures < free:
        return 0
    doublings = min(failures - free + 1, LONGEST_WAIT_S.bit_length())
    return int(min(2**doublings, LONGEST_WAIT_S))
