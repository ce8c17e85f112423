"""Every so many minutes or hours, past the hour, between two hours."""

from random import Random

from agents.cron.data.clock import clock_texts, random_minute
from agents.cron.data.fields import Part, compact
from agents.cron.data.words import count, number, pick

MINUTE_STEPS = (2, 3, 4, 5, 5, 6, 10, 10, 12, 15, 15, 20, 20, 30, 30)
UNEVEN_MINUTE_STEPS = (7, 8, 9, 25, 40, 45, 50)
HOUR_STEPS = (2, 2, 3, 3, 4, 4, 6, 6, 8, 12)
UNEVEN_HOUR_STEPS = (5, 7, 10)
TIMES = {2: "twice", 3: "three times", 4: "four times", 6: "six times", 12: "twelve times"}


def interval(rng: Random) -> Part:
    """Any repetition within the day."""
    kinds = (every_minutes, every_hour, past_the_hour, every_hours, within_hours)
    return rng.choices(kinds, (30, 10, 20, 25, 32))[0](rng)


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
        15: ("every quarter of an hour", "every quarter hour", "four times an hour"),
        20: ("three times an hour",),
        30: ("every half hour", "every half an hour", "half-hourly", "twice an hour"),
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
    )
    return Part(text, {"minute": "0", "hour": "*"})


def past_text(minute: int, hours: str, rng: Random) -> str:
    """at quarter past every hour, hourly at :15, at minute 5 of each hour"""
    plain = hours in ("every hour", "each hour")
    options = [
        f"at minute {minute} of {hours}" if plain else f"{hours} at minute {minute}",
        f"{hours} at :{minute:02d}",
        f"{hours} at {minute} past" if minute != 30 else f"{hours} at half past",
        f"{hours} at {minute} minutes past the hour",
        f"{count(minute, rng)} minutes past {hours}" if plain else f"{hours} at minute {minute}",
    ]
    if plain:
        options.append(f"hourly at {pick(rng, ':', 'minute ')}{minute:02d}")
        options.append(f"{hours} on the {number(minute)} minute mark")
    special = {15: "quarter past", 30: "half past", 45: "quarter to"}
    if minute in special:
        options += [
            f"at {special[minute]} {hours}" if plain else f"{hours} at {special[minute]}"
        ] * 2
    elif minute > 30 and minute % 5 == 0 and plain:
        left = count(60 - minute, rng)
        options += [f"{left} minutes before {hours}", f"at {left} to {hours}"]
    return rng.choice(options)


def past_the_hour(rng: Random) -> Part:
    if rng.random() < 0.2:
        first, second = sorted(rng.sample(range(0, 60, 5), 2))
        text = pick(
            rng,
            f"at {first} and {second} minutes past every hour",
            f"hourly at :{first:02d} and :{second:02d}",
            f"at minutes {first} and {second} of each hour",
            f"every hour at {first} and {second} past",
        )
        return Part(text, {"minute": f"{first},{second}", "hour": "*"})
    minute = random_minute(rng) or rng.randrange(1, 60)
    text = past_text(minute, pick(rng, "every hour", "each hour"), rng)
    if minute == 1:
        text = text.replace("1 minutes", "1 minute").replace("one minutes", "one minute")
    return Part(text, {"minute": str(minute), "hour": "*"})


def every_hours(rng: Random) -> Part:
    step = rng.choice(UNEVEN_HOUR_STEPS if rng.random() < 0.08 else HOUR_STEPS)
    kind = rng.random()
    if kind < 0.12 and 24 % step == 0 and 24 // step in TIMES:
        text = pick(rng, f"{TIMES[24 // step]} a day", f"{TIMES[24 // step]} per day")
        if step == 12:
            text = pick(rng, "twice a day", "twice daily", "every 12 hours", "every twelve hours")
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
    if step == 3 and rng.random() < 0.15:
        return "every third hour"
    unit = pick(rng, "hours", "hours", "hours", "hrs")
    return f"{pick(rng, 'every', 'every', 'each', 'once every')} {count(step, rng)} {unit}"


def window(rng: Random) -> Part:
    """A span of hours. Both ends count: 9 to 17 is 9-17, also under a step of minutes."""
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
    span = window(rng)
    hour = span.fields["hour"]
    kind = rng.choices(("minutes", "hour", "past", "hours", "minute"), (48, 26, 12, 12, 2))[0]
    if kind == "minutes":
        repeat = every_minutes(rng)
    elif kind == "hour":
        repeat = Part(
            pick(
                rng, "every hour", "hourly", "each hour", "once an hour", "every hour on the hour"
            ),
            {"minute": "0"},
        )
    elif kind == "past":
        minute = rng.randrange(5, 60, 5)
        repeat = Part(past_text(minute, "every hour", rng), {"minute": str(minute)})
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
