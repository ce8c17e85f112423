"""Times of day in every spelling."""

from collections.abc import Callable, Sequence
from random import Random

from agents.cron.data.fields import Part
from agents.cron.data.words import listed, number, pick

Time = tuple[int, int]
Style = Callable[[Time], str | None]


def random_minute(rng: Random) -> int:
    """A minute of the hour; the round ones are commoner but none is rare."""
    kind = rng.choices(("full", "half", "quarter", "five", "odd"), (30, 13, 13, 26, 18))[0]
    fixed = {"full": 0, "half": 30}
    if kind in fixed:
        return fixed[kind]
    if kind == "quarter":
        return rng.choice((15, 45))
    return rng.randrange(0, 60, 5) if kind == "five" else rng.randrange(60)


def random_time(rng: Random) -> Time:
    """A time of day, noon and midnight hours somewhat oftener than others."""
    hour = rng.choice((0, 12)) if rng.random() < 0.05 else rng.randrange(24)
    return hour, random_minute(rng)


def hour12(hour: int) -> int:
    return (hour + 11) % 12 + 1


def daypart(hour: int, rng: Random) -> str:
    """in the morning, at night, ..."""
    if hour in (0, 22, 23):
        return "at night"
    if hour < 12:
        return "at night" if hour < 4 and rng.random() < 0.25 else "in the morning"
    if hour < 17:
        return "in the afternoon"
    if hour == 17:
        return pick(rng, "in the afternoon", "in the evening")
    return "at night" if hour > 19 and rng.random() < 0.5 else "in the evening"


def clock_styles(rng: Random) -> list[tuple[int, Style]]:
    """Weighted ways to write a time; a style gives None for a time it does not suit."""
    return [
        (16, lambda t: f"{t[0]:02d}:{t[1]:02d}"),
        (6, lambda t: f"{t[0]}:{t[1]:02d}"),
        (4, _military(rng)),
        (4, lambda t: f"{t[0]}h" + (f"{t[1]:02d}" if t[1] else "")),
        (34, _am_pm(rng)),
        (8, _words_am_pm(rng)),
        (7, _digits_daypart(rng)),
        (7, _words_daypart(rng)),
        (6, _o_clock(rng)),
        (14, _past_or_to(rng)),
        (5, lambda t: str(t[0]) if t[1] == 0 and t[0] else None),
        (3, _spoken_morning(rng)),
    ]


def _military(rng: Random) -> Style:
    end = pick(rng, "", " hours", " hrs", "h")
    return lambda t: f"{t[0]:02d}{t[1]:02d}{end}"


def _am_pm(rng: Random) -> Style:
    gap, colon, zeros = pick(rng, "", "", " ", " "), rng.choice("::::."), rng.random() < 0.3
    am, pm = rng.choice((("am", "pm"),) * 3 + (("AM", "PM"), ("a.m.", "p.m.")))

    def write(time: Time) -> str:
        hour, minute = time
        minutes = f"{colon}{minute:02d}" if minute or zeros else ""
        return f"{hour12(hour)}{minutes}{gap}{pm if hour > 11 else am}"

    return write


def spoken(hour: int, minute: int) -> str:
    """nine, nine oh five, nine thirty"""
    tail = "" if not minute else f" oh {number(minute)}" if minute < 10 else f" {number(minute)}"
    return number(hour12(hour)) + tail


def _words_am_pm(rng: Random) -> Style:
    am, pm = rng.choice((("am", "pm"), ("am", "pm"), ("a.m.", "p.m.")))
    return lambda t: f"{spoken(*t)} {pm if t[0] > 11 else am}"


def _digits_daypart(rng: Random) -> Style:
    def write(time: Time) -> str | None:
        hour, minute = time
        if time == (12, 0):
            return None
        return f"{hour12(hour)}{f':{minute:02d}' if minute else ''} {daypart(hour, rng)}"

    return write


def _words_daypart(rng: Random) -> Style:
    return lambda t: None if t == (12, 0) else f"{spoken(*t)} {daypart(t[0], rng)}"


def _o_clock(rng: Random) -> Style:
    digits = rng.random() < 0.5

    def write(time: Time) -> str | None:
        hour, minute = time
        if minute or time == (12, 0):
            return None
        name = str(hour12(hour)) if digits else number(hour12(hour))
        return f"{name} o'clock {daypart(hour, rng)}"

    return write


def _spoken_morning(rng: Random) -> Style:
    """Without am or pm an hour up to twelve is read as on a 24-hour clock."""

    def write(time: Time) -> str | None:
        hour, minute = time
        if not 1 <= hour <= 12:
            return None
        if minute == 0:
            return f"{number(hour)} o'clock"
        return relative(minute, rng) + number(hour + (minute > 30)) if hour < 12 else None

    return write


def relative(minute: int, rng: Random) -> str:
    """The words before the hour: "half past ", "ten to "."""
    before = minute > 30
    distance = 60 - minute if before else minute
    link = pick(rng, "to", "to", "before") if before else pick(rng, "past", "past", "after")
    if distance == 30:
        return "half past "
    if distance == 15:
        return pick(rng, "quarter ", "a quarter ") + link + " "
    name = number(distance) if rng.random() < 0.5 else str(distance)
    unit = "" if distance % 5 == 0 and rng.random() < 0.6 else " minutes"
    return f"{name}{unit if distance > 1 else ' minute'} {link} "


def _past_or_to(rng: Random) -> Style:
    am_pm, digits = rng.random() < 0.4, rng.random() < 0.4

    def write(time: Time) -> str | None:
        hour, minute = time
        if minute == 0:
            return None
        near = (hour + (minute > 30)) % 24
        lead = relative(minute, rng)
        if near in (0, 12) and (minute > 30 or rng.random() < 0.7):
            return lead + ("midnight" if near == 0 else pick(rng, "noon", "midday"))
        name = str(hour12(near)) if digits else number(hour12(near))
        return f"{lead}{name} " + (("pm" if near > 11 else "am") if am_pm else daypart(near, rng))

    return write


def clock_texts(times: Sequence[Time], rng: Random) -> list[str]:
    """The times, all written in one style."""
    styles = clock_styles(rng)
    order = sorted(styles, key=lambda style: rng.random() ** (1 / style[0]), reverse=True)
    for _, style in order:
        texts = [style(time) for time in times]
        if all(texts):
            return [_named(time, text or "", rng) for time, text in zip(times, texts, strict=True)]
    raise AssertionError("some style writes every time")


def _named(time: Time, text: str, rng: Random) -> str:
    if time == (12, 0) and rng.random() < 0.45:
        return pick(rng, "noon", "noon", "midday", "12 noon")
    if time == (0, 0) and rng.random() < 0.45:
        return pick(rng, "midnight", "midnight", "midnight", "12 midnight")
    return text


def clock(rng: Random) -> Part:
    """One time of day."""
    hour, minute = random_time(rng)
    text = clock_texts([(hour, minute)], rng)[0]
    lead = rng.choices(("at ", "", "@ ", "at exactly "), (78, 16, 3, 3))[0]
    # A bare number or "half past six" without its "at" would not read as a time.
    lead = "at " if text.isdigit() and len(text) < 3 else lead
    return Part(lead + text, {"minute": str(minute), "hour": str(hour)})


def several_clocks(rng: Random) -> Part:
    """Two or three times a day that one expression can hold."""
    if rng.random() < 0.2:
        hour = rng.randrange(24)
        minutes = sorted(rng.sample((0, 5, 10, 15, 20, 30, 40, 45, 50), 2))
        times = [(hour, minute) for minute in minutes]
    else:
        minute = 0 if rng.random() < 0.55 else random_minute(rng)
        hours = sorted(rng.sample(range(24), rng.choice((2, 2, 3))))
        times = [(hour, minute) for hour in hours]
    texts = clock_texts(times, rng)
    fields = {
        "minute": ",".join(str(m) for m in sorted({m for _, m in times})),
        "hour": ",".join(str(h) for h in sorted({h for h, _ in times})),
    }
    # "7 pm and 9 pm" is often said with one "pm" for both.
    ends = {text.rpartition(" ")[2] for text in texts}
    if len(ends) == 1 and ends <= {"am", "pm", "AM", "PM"} and rng.random() < 0.6:
        texts = [text.rpartition(" ")[0] for text in texts[:-1]] + texts[-1:]
    return Part("at " + listed(texts, rng), fields)
