"""One row at least for every hour, minute, day and month in each of its spoken forms."""

from collections.abc import Iterator
from random import Random

from agents.cron.data.clock import daypart, hour12
from agents.cron.data.fields import Schedule, compact_weekdays
from agents.cron.data.words import (
    MONTHS,
    OTHER_SHORT_WEEKDAYS,
    SHORT_WEEKDAYS,
    WEEKDAYS,
    number,
    ordinal_digits,
    ordinal_word,
    pick,
)

Said = tuple[str, Schedule]


def coverage(rng: Random) -> Iterator[Said]:
    """The whole mapping from words to numbers."""
    yield from _hours(rng)
    yield from _relative(rng)
    yield from _minutes(rng)
    yield from _days_of_month(rng)
    yield from _names(rng)


def _hours(rng: Random) -> Iterator[Said]:
    """3am, three in the morning, 03:00, 15:42 and fifteen forty-two."""
    for hour in range(24):
        near, end = hour12(hour), "pm" if hour > 11 else "am"
        at = pick(rng, "at ", "every day at ", "daily ")
        full = Schedule(hour=str(hour))
        yield f"{at}{near}{pick(rng, '', ' ')}{end}", full
        yield f"at {hour:02d}:00", full
        if hour != 12:
            yield f"every day at {number(near)} {daypart(hour, rng)}", full
            yield f"{pick(rng, number(near), str(near))} o'clock {daypart(hour, rng)}", full
        minute = rng.randrange(1, 60)
        odd = Schedule(str(minute), str(hour))
        yield f"{at}{near}:{minute:02d} {end}", odd
        yield f"at {hour:02d}:{minute:02d}", odd


def _relative(rng: Random) -> Iterator[Said]:
    """quarter to six in the evening, half past 6 pm, five to midnight, for every hour."""
    for hour in range(24):
        for minute in (15, 30, 45, *rng.sample((5, 10, 20, 25, 35, 40, 50, 55), 3)):
            near = (hour + (minute > 30)) % 24
            if near in (0, 12):
                name = "noon" if near else "midnight"
            elif rng.random() < 0.5:
                name = f"{number(hour12(near))} {daypart(near, rng)}"
            else:
                name = f"{hour12(near)} {'pm' if near > 11 else 'am'}"
            yield f"at {_distance(minute, rng)} {name}", Schedule(str(minute), str(hour))


def _distance(minute: int, rng: Random) -> str:
    """quarter past, twenty to, half past"""
    link = pick(rng, "to", "to", "before") if minute > 30 else pick(rng, "past", "past", "after")
    distance = 60 - minute if minute > 30 else minute
    if distance == 30:
        return "half past"
    return f"{'quarter' if distance == 15 else number(distance)} {link}"


def _minutes(rng: Random) -> Iterator[Said]:
    """twelve minutes before every full hour, thirty-one minutes past each hour."""
    for distance in range(1, 60):
        unit = "minute" if distance == 1 else "minutes"
        hours = pick(rng, "every hour", "each hour", "every full hour", "the full hour, every hour")
        for said in (str(distance), number(distance)):
            after = pick(rng, "past", "after")
            yield f"{said} {unit} {after} {hours}", Schedule(str(distance), "*")
            if distance < 30:
                before = pick(rng, "before", "before", "to", "ahead of")
                yield f"{said} {unit} {before} {hours}", Schedule(str(60 - distance), "*")


def _days_of_month(rng: Random) -> Iterator[Said]:
    for day in range(1, 32):
        for said in (ordinal_digits(day), ordinal_word(day)):
            tail = pick(rng, "of every month", "of each month", "of the month")
            yield f"on the {said} {tail}", Schedule(day=str(day))
        value = rng.choice([m for m in range(1, 13) if day < 29 or m not in (2, 4, 6, 9, 11)])
        date = Schedule(day=str(day), month=str(value))
        yield f"every year on the {ordinal_word(day)} of {MONTHS[value - 1]}", date


def _names(rng: Random) -> Iterator[Said]:
    """Months and weekdays in full and cut short."""
    for value, name in enumerate(MONTHS, 1):
        day = rng.randrange(1, 29)
        for said in (name, name[:3]):
            yield f"every day in {said} at noon", Schedule(hour="12", month=str(value))
            yield f"{said} {day}", Schedule(day=str(day), month=str(value))
    for names in (WEEKDAYS, SHORT_WEEKDAYS, OTHER_SHORT_WEEKDAYS):
        for day, name in enumerate(names):
            hour = rng.randrange(24)
            said = f"{hour12(hour)}{'pm' if hour > 11 else 'am'}"
            yield f"{name} {said}", Schedule(hour=str(hour), weekday=str(day))
            others = compact_weekdays({*range(7)} - {day})
            yield f"every day except {name}", Schedule(weekday=others)
