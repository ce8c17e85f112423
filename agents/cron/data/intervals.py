"""Every so many minutes or hours, past the hour, between two hours."""

from random import Random

from agents.cron.data.clock import clock_texts, random_minute
from agents.cron.data.fields import Part, compact
from agents.cron.data.words import count, number, pick

MINUTE_STEPS = (2, 3, 4, 5, 5, 6, 10, 10, 12, 15, 15, 20, 20, 30, 30)
UNEVEN_MINUTE_STEPS = (7, 8, 9, 25, 40, 45, 50)
HOUR_STEPS = (2, 2, 3, 3, 4, 4, 6, 6, 8, 12)
UNEVEN_HOUR_STEPS = (5, 7, 10)
STEPS = {3: "third", 4: "fourth", 6: "sixth", 8: "eighth", 12: "twelfth"}
TIMES = {2: "twice", 3: "three times", 4: "four times", 6: "six times", 12: "twelve times"}


def interval(rng: Random) -> Part:
    """Any repetition within the day."""
    kinds = (every_minutes, every_hour, past_the_hour, every_hours, within_hours, first_minutes)
    return rng.choices(kinds, (28, 9, 30, 24, 38, 2))[0](rng)


def every_minutes(rng: Random) -> Part:
    if rng.random() < 0.06:
        return Part(
            pick(rng, "every minute", "each minute", "once a minute"), {"minute": "*", "hour": "*"}
        )
    step = rng.choice(UNEVEN_MINUTE_STEPS if rng.random() < 0.08 else MINUTE_STEPS)
    return Part(minutes_text(step, rng), {"minute": f"*/{step}", "hour": "*"})


def minutes_text(step: int, rng: Random) -> str:
    """every five minutes, every half hour, four times an hour"""
    special = {
        2: ("every other minute", "every second minute"),
        5: ("twelve times an hour", "every fifth minute"),
        10: ("six times an hour", "6 times per hour", "every tenth minute"),
        15: (
            "every quarter of an hour",
            "every quarter hour",
            "four times an hour",
            "quarter-hourly",
            "4 times per hour",
        ),
        20: ("three times an hour", "three times per hour", "every third of an hour"),
        30: (
            "every half hour",
            "every half an hour",
            "half-hourly",
            "twice an hour",
            "twice per hour",
            "two times an hour",
            "on the hour and half hour",
        ),
    }
    if step in special and rng.random() < 0.4:
        return pick(rng, *special[step])
    unit = pick(rng, "minutes", "minutes", "minutes", "mins", "min")
    lead = pick(rng, "every", "every", "every", "every", "each", "once every")
    if rng.random() < 0.06:
        return f"at {step}-minute intervals"
    return f"{lead} {count(step, rng)} {unit}"


def every_hour(rng: Random) -> Part:
    text = pick(
        rng,
        "every hour",
        "hourly",
        "each hour",
        "once an hour",
        "every 60 minutes",
        "every hour on the hour",
        "at the top of every hour",
        "at the start of each hour",
        "every single hour",
        "on the hour, every hour",
        "on the hour",
        "every full hour",
        "at every full hour",
        "once per hour",
        "24 times a day",
        "each hour on the dot",
        "at minute zero of every hour",
        "at the top of the hour",
    )
    return Part(text, {"minute": "0", "hour": "*"})


def past_text(minute: int, hours: str, rng: Random) -> str:
    """every two hours at quarter past, every hour at minute 5"""
    lead, amount = f"{hours} at", count(minute, rng)
    options = [
        f"{lead} minute {minute}",
        f"{lead} :{minute:02d}",
        f"{lead} {amount} past" if minute != 30 else f"{lead} half past",
        f"{lead} {amount} {_unit(minute)} past the hour",
        f"{hours}, {amount} {_unit(minute)} after the hour",
        f"{hours} on the {number(minute)} minute mark",
    ]
    if minute > 30:
        left = f"{count(60 - minute, rng)} {_unit(60 - minute)}"
        options += [f"{hours}, {left} before the hour", f"{hours} at {left} to the hour"]
    special = {15: "quarter past", 30: "half past", 45: "quarter to"}
    if minute in special:
        options += [f"{lead} {special[minute]}"] * 3
    return rng.choice(options)


def every_hour_text(minute: int, rng: Random) -> str:
    """five past every hour, twelve minutes before every full hour, hourly at :15"""
    hours = pick(rng, "every hour", "every hour", "each hour", "every full hour", "each full hour")
    kind = rng.random()
    if minute > 30 and kind < 0.55:
        left = 60 - minute
        amount = "a quarter of an hour" if left == 15 and rng.random() < 0.2 else ""
        amount = amount or f"{count(left, rng)} {_unit(left)}"
        short = f"quarter {pick(rng, 'to', 'before')}" if left == 15 else f"{count(left, rng)} to"
        return pick(
            rng,
            f"{amount} before {hours}",
            f"{amount} before {hours}",
            f"{amount} to {hours}",
            f"{amount} before the top of {hours.replace('full ', '')}",
            f"{amount} ahead of {hours}",
            f"always {amount} before the full hour",
            f"hourly, {amount} before the hour",
            f"{short} {hours}",
            f"at {short} {hours}",
        )
    if kind < 0.3:
        return past_text(minute, hours, rng)
    said = count(minute, rng)
    after = pick(rng, "past", "past", "after")
    options = [
        f"at minute {minute} of {hours}",
        f"hourly at {pick(rng, ':', 'minute ', 'xx:')}{minute:02d}",
        f"{said} {_unit(minute)} {after} {hours}",
        f"{said} {_unit(minute)} {after} {hours}",
        f"at {said} {after} {hours}",
        f"{said} {after} {hours}",
        f"always {said} {_unit(minute)} {after} the full hour",
        f"at the {said}-minute mark of {hours}",
    ]
    special = {15: f"quarter {after}", 30: "half past"}
    if minute in special:
        said = special[minute]
        options = [f"at {said} {hours}", f"{said} {hours}", f"a {said} {hours}"][
            : 2 + (minute < 30)
        ]
    return rng.choice(options)


def _unit(minutes: int) -> str:
    return "minute" if minutes == 1 else "minutes"


def past_the_hour(rng: Random) -> Part:
    if rng.random() < 0.17:
        return _twice_an_hour(rng)
    minute = rng.randrange(1, 60) if rng.random() < 0.45 else random_minute(rng) or 50
    return Part(every_hour_text(minute, rng), {"minute": str(minute), "hour": "*"})


def _twice_an_hour(rng: Random) -> Part:
    if rng.random() < 0.25:
        text, minutes = rng.choice(
            (
                ("at quarter past and quarter to every hour", "15,45"),
                ("every hour at quarter past and half past", "15,30"),
                ("on the hour and at quarter past", "0,15"),
                ("on the hour and at quarter to", "0,45"),
                ("at half past and quarter to every hour", "30,45"),
                ("every hour at ten past and ten to", "10,50"),
                ("at five past and five to every hour", "5,55"),
                ("at twenty past and twenty to each hour", "20,40"),
            )
        )
        return Part(text, {"minute": minutes, "hour": "*"})
    first, second = sorted(rng.sample(range(0, 60, 5), 2))
    text = pick(
        rng,
        f"at {first} and {second} minutes past every hour",
        f"hourly at :{first:02d} and :{second:02d}",
        f"at minutes {first} and {second} of each hour",
        f"every hour at {first} and {second} past",
        f"twice an hour, at {first} and {second} past",
        f"twice an hour at :{first:02d} and :{second:02d}",
    )
    return Part(text, {"minute": f"{first},{second}", "hour": "*"})


def first_minutes(rng: Random) -> Part:
    """every minute for the first ten minutes of every hour"""
    last = rng.choice((3, 5, 10, 15, 20, 30))
    amount = count(last, rng)
    text = pick(
        rng,
        f"every minute for the first {amount} minutes of every hour",
        f"every minute in the first {amount} minutes of each hour",
        f"each minute during the first {amount} minutes of the hour",
    )
    return Part(text, {"minute": f"0-{last - 1}", "hour": "*"})


def every_hours(rng: Random) -> Part:
    step = rng.choice(UNEVEN_HOUR_STEPS if rng.random() < 0.08 else HOUR_STEPS)
    kind = rng.random()
    if kind < 0.12 and 24 % step == 0 and 24 // step in TIMES:
        text = pick(rng, f"{TIMES[24 // step]} a day", f"{TIMES[24 // step]} per day")
        if step == 12:
            text = pick(rng, "twice a day", "twice daily", "two times a day", "2x a day")
        if rng.random() < 0.35:
            text = f"{text}, {hours_text(step, rng)}"
        return Part(text, {"minute": "0", "hour": f"*/{step}"})
    text = hours_text(step, rng)
    if kind < 0.4:
        minute = random_minute(rng) or 10
        return Part(past_text(minute, text, rng), {"minute": str(minute), "hour": f"*/{step}"})
    if kind < 0.52:
        start = rng.randrange(1, step)
        said = clock_texts([(start, 0)], rng)[0]
        text += pick(rng, " starting at ", " starting from ", ", beginning at ") + said
        return Part(text, {"minute": "0", "hour": f"{start}-23/{step}"})
    if kind < 0.57:
        odd = rng.random() < 0.5
        text = pick(rng, "every {} hour", "at {} hours", "on {} hours")
        return Part(
            text.format("odd" if odd else "even"),
            {"minute": "0", "hour": "1-23/2" if odd else "*/2"},
        )
    return Part(text, {"minute": "0", "hour": f"*/{step}"})


def hours_text(step: int, rng: Random) -> str:
    """every three hours, every other hour"""
    if step == 2 and rng.random() < 0.4:
        return pick(rng, "every other hour", "every second hour")
    if step in STEPS and rng.random() < 0.15:
        return f"every {STEPS[step]} hour"
    unit = pick(rng, "hours", "hours", "hours", "hrs")
    return f"{pick(rng, 'every', 'every', 'each', 'once every')} {count(step, rng)} {unit}"


def window(rng: Random) -> Part:
    """A span of hours. Both ends count: 9 to 17 is 9-17, also under a step of minutes."""
    kinds = (_open_window, _half_open_window, _closed_window)
    return rng.choices(kinds, (9, 11, 80))[0](rng)


def _open_window(rng: Random) -> Part:
    """after 6 pm, before 8 in the morning, from noon on, between 6 pm and midnight"""
    hour = rng.randrange(5, 22)
    said = (
        clock_texts([(hour, 0)], rng)[0] if rng.random() < 0.3 else _window_ends(hour, hour, rng)[0]
    )
    if hour < 12 and rng.random() < 0.6:
        text = pick(rng, f"before {said}", f"from midnight until before {said}")
        return Part(text, {"hour": f"0-{hour - 1}"})
    text = pick(
        rng,
        f"after {said}",
        f"from {said} on",
        f"from {said} onwards",
        f"from {said} to midnight",
        f"between {said} and midnight",
        f"from {said} until midnight",
    )
    return Part(text, {"hour": f"{hour}-23"})


def _half_open_window(rng: Random) -> Part:
    """from 9 until before 17, 9:00 to 16:59: the last hour does not count"""
    start = rng.randrange(0, 19)
    end = rng.randrange(start + 2, min(start + 12, 24))
    first, last = _window_ends(start, end, rng)
    text = pick(
        rng,
        f"from {first} until before {last}",
        f"from {first} to just before {last}",
        f"from {first} up to but not including {last}",
        f"between {first} and {last}, {last} excluded",
        f"from {start}:00 to {end - 1}:59",
        f"between {start:02d}:00 and {end - 1:02d}:59",
        f"{start}:00-{end - 1}:59",
    )
    return Part(text, {"hour": f"{start}-{end - 1}"})


def one_hour(rng: Random) -> Part:
    """in the 9 o'clock hour, between 14:00 and 14:59"""
    hour = rng.randrange(24)
    said = f"{(hour + 11) % 12 + 1} {'pm' if hour > 11 else 'am'}"
    if 0 < hour < 13 and rng.random() < 0.4:
        said = pick(rng, f"{hour} o'clock", f"{number(hour)} o'clock")
    text = pick(
        rng,
        f"in the {said} hour",
        f"during the {said} hour",
        f"within the {said} hour",
        f"between {hour:02d}:00 and {hour:02d}:59",
        f"from {hour}:00 to {hour}:59",
        f"in the hour from {hour}:00 to {hour}:59",
    )
    return Part(text, {"hour": str(hour)})


def _closed_window(rng: Random) -> Part:
    if rng.random() < 0.16:
        text = pick(
            rng,
            "during business hours",
            "during office hours",
            "during working hours",
            "in business hours",
            "during business hours (9-17)",
            "from nine to five",
            "during office hours, 9 to 5",
            "while the office is open (9 to 17)",
            "within business hours",
        )
        return Part(text, {"hour": "9-17"})
    if rng.random() < 0.08:
        # An end before the start is an afternoon: "from 8 to 6" is 8-18.
        start, end = rng.choice((7, 8, 9, 9, 9, 10)), rng.choice((4, 5, 5, 5, 6))
        text = pick(rng, f"from {start} to {end}", f"between {start} and {end}")
        return Part(text, {"hour": f"{start}-{end + 12}"})
    if rng.random() < 0.12:
        start, end = rng.randrange(19, 24), rng.randrange(1, 8)
        hours = [*range(start, 24), *range(end + 1)]
    else:
        start = rng.randrange(0, 20)
        end = rng.randrange(start + 2, min(start + 13, 24))
        hours = list(range(start, end + 1))
    first, last = _window_ends(start, end, rng)
    text = pick(
        rng,
        f"between {first} and {last}",
        f"from {first} to {last}",
        f"from {first} until {last}",
        f"from {first} through {last}",
        f"between {first} and {last}",
        f"{first} to {last}",
        f"from {first} till {last}",
    )
    if rng.random() < 0.12:
        text = f"{first}-{last}".replace(" ", "")
    return Part(text, {"hour": compact(hours)})


def _window_ends(start: int, end: int, rng: Random) -> tuple[str, str]:
    style = rng.random()
    if style < 0.25 and start < end:
        return str(start), str(end)
    if style < 0.4:
        return f"{start:02d}:00", f"{end:02d}:00"

    def name(hour: int) -> str:
        if hour in (0, 12) and rng.random() < 0.7:
            return "noon" if hour else "midnight"
        return f"{(hour + 11) % 12 + 1}{gap}{'pm' if hour > 11 else 'am'}"

    gap = pick(rng, "", " ")
    return name(start), name(end)


def within_hours(rng: Random) -> Part:
    """A repetition inside a window of hours."""
    if rng.random() < 0.09:
        span, kind = one_hour(rng), pick(rng, "minutes", "minutes", "minute")
    else:
        span = window(rng)
        kinds = ("minutes", "hour", "past", "hours", "minute")
        kind = rng.choices(kinds, (48, 26, 12, 12, 2))[0]
    hour = span.fields["hour"]
    if kind == "minutes":
        repeat = every_minutes(rng)
    elif kind == "hour":
        repeat = Part(
            pick(rng, "every hour", "hourly", "each hour", "once an hour", "on the hour"),
            {"minute": "0"},
        )
    elif kind == "past":
        minute = rng.randrange(5, 60, 5)
        repeat = Part(every_hour_text(minute, rng), {"minute": str(minute)})
    elif kind == "hours" and "," not in hour:
        step = rng.choice((2, 2, 3, 4))
        repeat = Part(hours_text(step, rng), {"minute": "0"})
        hour = f"{hour}/{step}"
    else:
        repeat = Part("every minute", {"minute": "*"})
    if rng.random() < 0.18 and span.text[:1].isalpha():
        text = f"{span.text}, {repeat.text}"
    else:
        text = f"{repeat.text} {span.text}"
    return Part(text, {"minute": repeat.fields["minute"], "hour": hour})
