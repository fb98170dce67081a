import secrets

from loa.protocol.ids import Nonce

_STALE_S = 60.0
"""An answer that comes later says nothing of now."""
_LATELY_S = 5.0
_MOST = 8


class Nonces:
    """The nonces of the last hellos, each good for one answer; times are boot times."""

    def __init__(self) -> None:
        self._sent: dict[Nonce, float] = {}

    def make(self, now_s: float) -> Nonce:
        """A new one, which nobody can guess."""
        if len(self._sent) >= _MOST:
            self._sent.pop(next(iter(self._sent)))
        nonce = Nonce(secrets.token_hex(16))
        self._sent[nonce] = now_s
        return nonce

    def leaves(self, nonce: Nonce, now_s: float) -> None:
        """It goes out now: what came before, as signing, is no part of the way."""
        self._sent[nonce] = now_s

    def answered(self, nonce: Nonce, now_s: float) -> float | None:
        """How long ago it was sent; None if it is not ours, was answered before, or is stale."""
        sent_s = self._sent.pop(nonce, None)
        return None if sent_s is None or now_s - sent_s > _STALE_S else now_s - sent_s

    def is_waiting(self, now_s: float) -> bool:
        """Whether one was sent a moment ago that may still be answered."""
        return any(now_s - sent_s < _LATELY_S for sent_s in self._sent.values())
