"""Cron expressions: what their fields stand for and when they fire."""

import re
from itertools import product

LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
TERM = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", re.ASCII)

Firing = tuple[frozenset[int], frozenset[int], frozenset[tuple[int, int, int]]]


def expand_field(text: str, low: int, high: int) -> frozenset[int]:
    """The values one field stands for; ValueError where it is malformed."""
    return frozenset().union(*(_expand_term(term, low, high) for term in text.split(",")))


def _expand_term(term: str, low: int, high: int) -> frozenset[int]:
    match = TERM.fullmatch(term)
    if match is None:
        raise ValueError(f"not a cron field: {term!r}")
    first, last, step = (None if group is None else int(group) for group in match.groups())
    start = low if first is None else first
    # `5/15` is read as `5-59/15`, as most schedulers do; a lone number is just itself.
    open_ended = first is None or (last is None and step is not None)
    end = last if last is not None else high if open_ended else start
    if not low <= start <= end <= high or step == 0:
        raise ValueError(f"out of range: {term!r}")
    return frozenset(range(start, end + 1, step or 1))


def _firing(expression: str) -> Firing:
    fields = expression.split()
    if len(fields) != len(LIMITS):
        raise ValueError(f"{len(fields)} fields instead of {len(LIMITS)}")
    minutes, hours, days, months, weekdays = (
        # A starred weekday must stop at Saturday, or `*/3` would reach 7 and add Sunday.
        expand_field(field, low, 6 if high == 7 and field.startswith("*") else high)
        for field, (low, high) in zip(fields, LIMITS, strict=True)
    )
    weekdays = frozenset(day % 7 for day in weekdays)
    either = fields[2] not in ("*", "*/1") and fields[4] not in ("*", "*/1")
    calendar = frozenset(
        (month, day, weekday)
        for month, day, weekday in product(months, range(1, 32), range(7))
        if day <= DAYS_IN_MONTH[month - 1]
        and _matches(day in days, weekday in weekdays, either=either)
    )
    return minutes, hours, calendar


def _matches(day: bool, weekday: bool, *, either: bool) -> bool:
    return day or weekday if either else day and weekday


def fire_times_equal(a: str, b: str) -> bool:
    """Whether two five-field expressions fire at the same minutes of every year."""
    try:
        return _firing(a) == _firing(b)
    except ValueError:
        return False
