"""Errors of the schedules.

ScheduleError
├── BadItemError        an item, silence or window that cannot be
└── RecurrenceError     a `When` that cannot be expanded in bounded time
"""


class ScheduleError(Exception):
    """Anything that makes a schedule impossible to work out."""


class BadItemError(ScheduleError):
    """An item that cannot be laid out; `item_id` names it."""

    def __init__(self, item_id: str, problem: str) -> None:
        super().__init__(f"{item_id}: {problem}")
        self.item_id = item_id
        self.problem = problem


class RecurrenceError(ScheduleError):
    """A recurrence that cannot be expanded; `rrule` is its rule and `problem` says what to change."""

    def __init__(self, rrule: str, problem: str) -> None:
        super().__init__(f"recurrence {rrule!r}: {problem}")
        self.rrule = rrule
        self.problem = problem
