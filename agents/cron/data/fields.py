"""A schedule as five cron fields, and the canonical spelling of each field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

from agents.cron.expression import expand_field


@dataclass(frozen=True)
class Schedule:
    # What a request leaves unsaid: midnight, every day of every month.
    minute: str = "0"
    hour: str = "0"
    day: str = "*"
    month: str = "*"
    weekday: str = "*"

    def __str__(self) -> str:
        return f"{self.minute} {self.hour} {self.day} {self.month} {self.weekday}"

    def but(self, fields: Mapping[str, str]) -> "Schedule":
        """The same schedule with some fields replaced."""
        return replace(self, **fields)

    @property
    def has_clock_time(self) -> bool:
        """Whether it fires at named times, not at intervals."""
        return (self.minute + self.hour).replace(",", "").isdigit()

    @property
    def weekdays(self) -> frozenset[int]:
        return expand_field(self.weekday, 0, 6)


@dataclass(frozen=True)
class Part:
    """A piece of a request and the fields it fixes."""

    text: str
    fields: Mapping[str, str] = field(default_factory=dict)


def compact(values: Iterable[int]) -> str:
    """Sorted values, runs of three or more written as a range."""
    pieces: list[str] = []
    for _, group in groupby(enumerate(sorted(set(values))), lambda pair: pair[1] - pair[0]):
        run = [value for _, value in group]
        pieces += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(value) for value in run]
    return ",".join(pieces)


def compact_weekdays(values: Iterable[int]) -> str:
    """Weekdays, all seven of them written as a star."""
    days = set(values)
    return "*" if len(days) == 7 else compact(days)
