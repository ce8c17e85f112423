"""A request's schedule: a time and days, sampled apart and said in either order."""

import re
from random import Random

from agents.cron.data.clock import clock, several_clocks
from agents.cron.data.dates import calendar_period, date, day_of_month, months
from agents.cron.data.fields import Part, Schedule
from agents.cron.data.intervals import interval
from agents.cron.data.weekdays import every_day, part_of_day, weekday

NOWHEN = Part("")


def schedule(rng: Random) -> tuple[str, Schedule]:
    """A schedule in words, and its fields."""
    kind = rng.choices(("clock", "several", "interval", "part", "no time"), (47, 13, 27, 7, 6))[0]
    if kind == "part":
        time, days = NOWHEN, part_of_day(rng)
    elif kind == "interval":
        time, days = interval(rng), _days_of_interval(rng)
    else:
        time = {"clock": clock, "several": several_clocks}.get(kind, lambda _: NOWHEN)(rng)
        days = _days(rng, needed=kind == "no time")
    when_months = months(rng) if _takes_months(time, days, rng) else NOWHEN
    fields = {**time.fields, **days.fields, **when_months.fields}
    return _order(time.text, days.text, when_months.text, rng), Schedule().but(fields)


def _days(rng: Random, *, needed: bool) -> Part:
    kind = rng.choices(
        ("none", "every", "week", "month", "date", "period"),
        (0 if needed else 11, 11, 41, 19, 11, 7),
    )[0]
    makers = {
        "every": every_day,
        "week": weekday,
        "month": day_of_month,
        "date": date,
        "period": calendar_period,
    }
    return NOWHEN if kind == "none" else makers[kind](rng)


def _days_of_interval(rng: Random) -> Part:
    kind = rng.choices(("none", "every", "week", "month", "date"), (44, 4, 40, 7, 5))[0]
    if kind == "none":
        return NOWHEN
    if kind == "every":
        return Part("every day", {"weekday": "*"})
    if kind == "date":
        part = date(rng)
        return part if part.text.startswith("on ") else NOWHEN
    return (weekday if kind == "week" else day_of_month)(rng, adverbial=True)


def _takes_months(time: Part, days: Part, rng: Random) -> bool:
    every_month = re.search(r"(every|each|a) month|monthly", days.text)
    if "month" in days.fields or every_month:
        return False
    # "at 9 in March" could be one day or all of them: a month needs days or a repetition.
    if not days.text and "*" not in "".join(time.fields.values()):
        return False
    if days.fields == {"day": "1"} and "1" not in days.text and "first" not in days.text:
        return False
    return rng.random() < 0.2


def _order(time: str, days: str, when_months: str, rng: Random) -> str:
    comma = rng.choices((", ", " ", " - ", "; ", ": "), (14, 80, 2, 2, 2))[0]
    if when_months and days and rng.random() < 0.5:
        first_months = rng.random() < 0.25
        days = f"{when_months} {days}" if first_months else f"{days} {when_months}"
        when_months = ""
    repeated = time.startswith(("every", "each", "once", "hourly", "twice"))
    time_first = rng.random() < (0.75 if repeated else 0.45)
    pieces = [piece for piece in ([time, days] if time_first else [days, time]) if piece]
    if comma in (" - ", "; ", ": ") and (time_first or len(pieces) < 2):
        comma = " "
    if when_months and len(pieces) > 1 and rng.random() < 0.2:
        return f"{pieces[0]} {when_months} {pieces[1]}"
    text = comma.join(pieces)
    if not when_months:
        return text
    return f"{when_months}, {text}" if rng.random() < 0.3 else f"{text} {when_months}"
