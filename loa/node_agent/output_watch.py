from loa.audio.player import PlayerStatus
from loa.protocol.reports import Output


class OutputWatch:
    """How the output has been doing since the agent began, over all players that were opened."""

    def __init__(self) -> None:
        self._underflows_before = 0
        self._status: PlayerStatus | None = None

    @property
    def output(self) -> Output:
        """As the state tells it."""
        status = self._status
        return Output(
            is_open=status is not None and status.broken is None,
            sync_degraded=status is not None and status.sync_degraded,
            underflows=self._underflows_before + (0 if status is None else status.underflows),
        )

    def look(self, status: PlayerStatus) -> bool:
        """Take in how the player is; whether its sync has newly degraded."""
        before = self._status
        self._status = status
        return status.sync_degraded and not (before is not None and before.sync_degraded)

    def closed(self) -> None:
        """The player is gone; the next one counts from 0."""
        self._underflows_before = self.output.underflows
        self._status = None
