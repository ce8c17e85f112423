"""Days of the week in words."""

from collections.abc import Iterable
from random import Random

from agents.cron.data.clock import hour12, random_minute, relative, spoken
from agents.cron.data.fields import Part, compact_weekdays
from agents.cron.data.words import (
    OTHER_SHORT_WEEKDAYS,
    SHORT_WEEKDAYS,
    WEEKDAYS,
    listed,
    number,
    pick,
)

WORKING = (1, 2, 3, 4, 5)
NOT_WEEKEND = ("weekdays", "working days", "business days", "workdays", "week days", "work days")


def day_names(days: Iterable[int], rng: Random, plural: bool = False) -> list[str]:
    """The days in one spelling: Monday, mondays, Mon."""
    if rng.random() < 0.27:
        short = rng.choice((SHORT_WEEKDAYS, SHORT_WEEKDAYS, OTHER_SHORT_WEEKDAYS))
        return [short[day] for day in days]
    return [WEEKDAYS[day] + ("s" if plural else "") for day in days]


def from_monday(days: Iterable[int]) -> list[int]:
    """The order people say days in."""
    return sorted(days, key=lambda day: (day - 1) % 7)


def every_day(rng: Random) -> Part:
    return Part(
        pick(
            rng,
            "every day",
            "every day",
            "daily",
            "each day",
            "every single day",
            "once a day",
            "seven days a week",
            "all week",
            "each and every day",
            "7 days a week",
            "on all days",
            "every day of the week",
        ),
        {"weekday": "*"},
    )


def weekday(rng: Random, *, adverbial: bool = False) -> Part:
    """Any choice of weekdays; adverbial ones can follow "every 5 minutes"."""
    kinds = (_single, _list, _range, _working, _weekend, _except)
    return rng.choices(kinds, (34, 20, 14, 18, 11, 13))[0](rng, adverbial)


def _single(rng: Random, adverbial: bool) -> Part:
    day = rng.randrange(7)
    name, plural = day_names([day], rng)[0], WEEKDAYS[day] + "s"
    options = [f"on {plural}", f"on {plural}", f"{plural} only", f"only on {plural}", f"on {name}"]
    if not adverbial:
        options += [f"every {name}"] * 5 + [f"each {name}"] * 2
        options += [f"weekly on {name}", f"once a week on {name}", plural, f"every week on {name}"]
    return Part(rng.choice(options), {"weekday": str(day)})


def _list(rng: Random, adverbial: bool) -> Part:
    days = rng.sample(range(7), rng.choice((2, 2, 2, 3, 3, 4)))
    days = days if rng.random() < 0.3 else from_monday(days)
    plural = rng.random() < 0.5
    names = day_names(days, rng, plural)
    text = "/".join(names) if rng.random() < 0.12 else listed(names, rng)
    lead = "on " if plural or adverbial else pick(rng, "every ", "on ", "each ", "")
    if len(days) < 4 and not adverbial and rng.random() < 0.12:
        lead = pick(
            rng,
            *(
                ("twice a week, on ", "twice weekly on ")
                if len(days) == 2
                else ("three times a week on ", "3 times a week: ")
            ),
        )
    return Part(lead + text, {"weekday": compact_weekdays(days)})


def _range(rng: Random, adverbial: bool) -> Part:
    start, length = rng.randrange(7), rng.choice((3, 3, 4, 4, 5, 6))
    days = [(start + offset) % 7 for offset in range(length)]
    first, last = day_names([days[0], days[-1]], rng)
    text = pick(
        rng,
        f"{first} to {last}",
        f"{first} through {last}",
        f"from {first} to {last}",
        f"{first}-{last}",
        f"{first} thru {last}",
        f"from {first} until {last}",
        f"{first} - {last}",
        f"from {first} through {last}",
        f"every day from {first} to {last}",
        f"daily, {first} to {last}",
    )
    return Part(text, {"weekday": compact_weekdays(days)})


def _working(rng: Random, adverbial: bool) -> Part:
    name = rng.choice(NOT_WEEKEND)
    options = [
        f"on {name}",
        f"on {name}",
        "Monday to Friday",
        "Mon-Fri",
        "Monday through Friday",
        f"{name} only",
        f"only on {name}",
        "Mon to Fri",
        "during the working week",
        "during the week",
        "M-F",
        "five days a week, Monday to Friday",
        "on every working day",
        "on non-weekend days",
        "every day of the working week",
        "not on weekends",
    ]
    if not adverbial:
        options += [f"every {name[:-1]}"] * 7 + [f"each {name[:-1]}"] * 2 + [name]
    return Part(rng.choice(options), {"weekday": "1-5"})


def _weekend(rng: Random, adverbial: bool) -> Part:
    options = [
        "on weekends",
        "on weekends",
        "on the weekend",
        "at the weekend",
        "at weekends",
        "on Saturdays and Sundays",
        "weekends only",
        "only on weekends",
        "Sat and Sun",
        "on weekend days",
        "Sat & Sun",
        "on Sundays and Saturdays",
        "on both weekend days",
        "not on weekdays, only on weekends",
    ]
    if not adverbial:
        options += ["every weekend", "every Saturday and Sunday", "each weekend", "every Sat/Sun"]
    return Part(rng.choice(options), {"weekday": "0,6"})


def _except(rng: Random, adverbial: bool) -> Part:
    kind = rng.random()
    link = pick(
        rng, "except", "except", "except", "but not", "excluding", "apart from", "except for"
    )
    if kind < 0.1:
        every = pick(rng, "every day", "daily")
        return Part(f"{every} except {pick(rng, 'weekends', 'on weekends')}", {"weekday": "1-5"})
    if kind < 0.3:
        day = rng.choice(WORKING)
        name = day_names([day], rng, rng.random() < 0.5)[0]
        base = pick(rng, "on weekdays", "Monday to Friday", "on working days", "Mon-Fri")
        return Part(f"{base} {link} {name}", {"weekday": compact_weekdays({*WORKING} - {day})})
    if kind < 0.42:
        return _left_out(rng)
    days = from_monday(rng.sample(range(7), 2 if rng.random() < 0.22 else 1))
    names = listed(day_names(days, rng, rng.random() < 0.4), rng)
    base = pick(rng, "every day", "every day", "daily", "each day", "all days", "any day")
    if base == "every day":
        link = pick(rng, link, "but", "other than", "save", "bar", "minus")
    return Part(f"{base} {link} {names}", {"weekday": compact_weekdays({*range(7)} - {*days})})


def _left_out(rng: Random) -> Part:
    """every day, but never on Sundays; the day that is left out said in a clause of its own"""
    day = rng.randrange(7)
    name = day_names([day], rng, rng.random() < 0.4)[0]
    text = pick(
        rng,
        f"every day, never on {name}",
        f"every day, just not on {name}",
        f"daily, not on {name}",
        f"every day, {name} excluded",
        f"all week except {name}",
        f"all week long but not on {name}",
        f"on all days but {name}",
        f"on any day that isn't {name}",
        f"six days a week, not on {name}",
        f"every day of the week except {name}",
        f"every day, skipping {name}",
        f"daily without {name}",
        f"on every day but {name}",
    )
    return Part(text, {"weekday": compact_weekdays({*range(7)} - {day})})


def part_of_day(rng: Random) -> Part:
    """every evening at 7, Friday mornings at half past nine, nightly at 11"""
    name = rng.choices(("morning", "afternoon", "evening", "night"), (32, 22, 26, 20))[0]
    hours = {
        "morning": range(4, 12),
        "afternoon": range(13, 18),
        "evening": range(17, 23),
        "night": (20, 21, 22, 23, 1, 2, 3),
    }
    hour, minute = rng.choice(hours[name]), random_minute(rng)
    said = _twelve_hour(hour, minute, rng)
    kind = rng.random()
    if kind < 0.45 or (name == "night" and hour < 4):
        lead = pick(rng, f"every {name}", f"every {name}", f"each {name}")
        lead = "nightly" if name == "night" and rng.random() < 0.4 else lead
        days: tuple[int, ...] = tuple(range(7))
    elif kind < 0.65:
        lead = pick(rng, f"weekday {name}s", f"on weekday {name}s", f"every weekday {name}")
        days = WORKING
    elif kind < 0.72:
        lead, days = pick(rng, f"weekend {name}s", f"on weekend {name}s"), (0, 6)
    else:
        days = tuple(from_monday(rng.sample(range(7), 2 if kind > 0.9 else 1)))
        names = listed(day_names(days, rng), rng)
        lead = pick(rng, f"on {names} {name}s", f"{names} {name}s", f"every {names} {name}")
    text = f"{lead} at {said}"
    if rng.random() < 0.12:
        text = f"at {said} {lead}"
    return Part(text, {"minute": str(minute), "hour": str(hour), "weekday": compact_weekdays(days)})


def _twelve_hour(hour: int, minute: int, rng: Random) -> str:
    """The time as a twelve-hour clock shows it: the part of day tells which half is meant."""
    kind = rng.random()
    if minute and kind < 0.25:
        near = hour12(hour + (minute > 30))
        return relative(minute, rng) + (number(near) if rng.random() < 0.7 else str(near))
    if kind < 0.4:
        return spoken(hour, minute)
    if kind < 0.55:
        return f"{hour:02d}:{minute:02d}"
    digits = f"{hour12(hour)}" + (f":{minute:02d}" if minute else "")
    return digits + (pick(rng, "pm", " pm") if hour > 11 else "am") * (kind > 0.85)
