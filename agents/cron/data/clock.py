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
        (3, lambda t: f"{t[0]}h" + (f"{t[1]:02d}" if t[1] else "")),
        (32, _am_pm(rng)),
        (10, _words_am_pm(rng)),
        (7, _digits_daypart(rng)),
        (9, _words_daypart(rng)),
        (6, _o_clock(rng)),
        (22, _past_or_to(rng)),
        (9, _before_or_after(rng)),
        (4, _words_24(rng)),
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
    link = (
        pick(rng, "to", "to", "to", "before", "till")
        if before
        else pick(rng, "past", "past", "after")
    )
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


def _words_24(rng: Random) -> Style:
    """seventeen thirty, seventeen o'clock: only after noon, where no "pm" is missed."""
    full = pick(rng, " o'clock", " hundred", " hundred hours")

    def write(time: Time) -> str | None:
        hour, minute = time
        if hour < 13:
            return None
        if not minute:
            return number(hour) + full
        return f"{number(hour)} {'oh ' * (minute < 10)}{number(minute)}"

    return write


def _before_or_after(rng: Random) -> Style:
    """twelve minutes before 6 pm, half an hour after noon, an hour before midnight"""
    digits, unit = rng.random() < 0.5, pick(rng, "minutes", "minutes", "min", "mins")
    before = pick(rng, "before", "before", "ahead of", "prior to", "to")
    after, late = pick(rng, "after", "after", "past"), rng.random() < 0.3
    anchor = pick(rng, "24", "am", "words")

    def name(hour: int) -> str:
        if hour in (0, 12):
            return "noon" if hour else "midnight"
        if anchor == "24":
            return f"{hour:02d}:00"
        near = number(hour12(hour)) if anchor == "words" else str(hour12(hour))
        return f"{near} {'pm' if hour > 11 else 'am'}"

    def write(time: Time) -> str | None:
        hour, minute = time
        if not minute:
            return _from_twelve(hour)
        later = minute < 30 or (minute < 50 and late)
        distance = minute if later else 60 - minute
        amount = {30: "half an hour", 15: "a quarter of an hour", 1: "one minute"}.get(distance)
        if amount is None or (distance == 15 and digits):
            amount = f"{distance if digits else number(distance)} {unit}"
        link = after if later else "before" if amount.endswith("hour") else before
        link = "after" if later and amount.endswith("hour") else link
        return f"{amount} {link} {name(hour if later else (hour + 1) % 24)}"

    return write


def _from_twelve(hour: int) -> str | None:
    """An hour before midnight, two hours after noon; None far from both."""
    for anchor, twelve in (("midnight", 0), ("midnight", 24), ("noon", 12)):
        distance = abs(hour - twelve)
        if distance in (1, 2, 3):
            amount = "an hour" if distance == 1 else f"{number(distance)} hours"
            return f"{amount} {'before' if hour < twelve else 'after'} {anchor}"
    return None


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
    lead = rng.choices(("at ", "", "@ ", "at exactly "), (76, 18, 3, 3))[0]
    # A bare number would not read as a time, nor would "@ ten minutes before noon".
    if (text.isdigit() and len(text) < 3) or (lead == "@ " and text[0].isalpha()):
        lead = "at "
    tail = pick(rng, " sharp", " on the dot") if rng.random() < 0.03 else ""
    return Part(lead + text + tail, {"minute": str(minute), "hour": str(hour)})


def several_clocks(rng: Random) -> Part:
    """Several times a day that one expression can hold."""
    kinds = (_same_minute, _same_hour, _grid, _shared_past, _both_halves)
    return rng.choices(kinds, (62, 13, 6, 7, 12))[0](rng)


def _same_minute(rng: Random) -> Part:
    """At 7:15, 12:15 and 18:15."""
    minute = 0 if rng.random() < 0.5 else random_minute(rng)
    hours = sorted(rng.sample(range(24), rng.choice((2, 2, 3, 3, 4))))
    return _times([minute], hours, rng)


def _same_hour(rng: Random) -> Part:
    """At 9:00 and 9:30."""
    minutes = sorted(rng.sample((0, 5, 10, 15, 20, 30, 40, 45, 50), rng.choice((2, 2, 3))))
    return _times(minutes, [rng.randrange(24)], rng)


def _grid(rng: Random) -> Part:
    """At 7:15, 7:45, 8:15 and 8:45."""
    minutes = sorted(rng.sample((0, 10, 15, 20, 30, 45, 50), 2))
    return _times(minutes, sorted(rng.sample(range(24), 2)), rng)


def _times(minutes: Sequence[int], hours: Sequence[int], rng: Random) -> Part:
    times = [(hour, minute) for hour in hours for minute in minutes]
    texts = clock_texts(times, rng)
    if rng.random() < 0.5:
        texts = _one_suffix(texts)
    elif rng.random() < 0.15:
        rng.shuffle(texts)
    lead = "at "
    if rng.random() < 0.25:
        often = {2: "twice", 3: "three times", 4: "four times"}[len(texts)]
        lead = pick(rng, f"{often} a day at ", f"{often} a day, at ", f"{often} daily: ")
    return Part(lead + listed(texts, rng), _clock_fields(minutes, hours))


def _clock_fields(minutes: Sequence[int], hours: Sequence[int]) -> dict[str, str]:
    return {"minute": ",".join(map(str, minutes)), "hour": ",".join(map(str, hours))}


def _one_suffix(texts: list[str]) -> list[str]:
    """ "7 pm and 9 pm" is often said with one "pm" for both."""
    for suffix in ("am", "pm", "AM", "PM"):
        if all(text.endswith(suffix) for text in texts):
            return [text.removesuffix(suffix).rstrip() for text in texts[:-1]] + texts[-1:]
    return texts


def _shared_past(rng: Random) -> Part:
    """At quarter past 7, 12 and 18: hours as on a 24-hour clock."""
    minute, hours = random_minute(rng), sorted(rng.sample(range(1, 23), rng.choice((2, 3))))
    near = [str(hour + (minute > 30)) for hour in hours]
    lead = relative(minute, rng) if minute else ""
    tail = "" if minute else " o'clock"
    return Part(f"at {lead}{listed(near, rng)}{tail}", _clock_fields([minute], hours))


def _both_halves(rng: Random) -> Part:
    """At 7 am and pm, at half past seven in the morning and in the evening."""
    hour, minute = rng.randrange(5, 12), random_minute(rng)
    near = hour + (minute > 30)
    said = f"{hour}:{minute:02d}" if minute else str(hour)
    if rng.random() < 0.4:
        said = relative(minute, rng) + number(near) if minute else number(hour)
    text = f"at {said} " + pick(
        rng,
        "in the morning and in the evening",
        "in the morning and evening",
        "am and pm",
        "both am and pm",
        "every morning and evening",
    )
    return Part(text, _clock_fields([minute], [hour, hour + 12]))
