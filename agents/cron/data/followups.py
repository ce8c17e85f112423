"""Second and third turns: one thing changes and the rest is kept."""

from collections.abc import Callable
from random import Random

from agents.cron.data.clock import clock_texts, random_time
from agents.cron.data.compose import schedule as fresh_schedule
from agents.cron.data.dates import months
from agents.cron.data.fields import Part, Schedule, compact_weekdays
from agents.cron.data.intervals import hours_text, minutes_text, window
from agents.cron.data.weekdays import WORKING, day_names, weekday
from agents.cron.data.words import count, number, ordinal, pick

Change = tuple[str, Schedule]
Follow = Callable[[Schedule, Random], Change | None]
SHIFTS = (5, 10, 15, 15, 20, 25, 30, 30, 30, 45, 60, 60, 60, 60, 90, 120, 120, 180, 240)
PERIODS = ("1", "1,4,7,10", "1,7", "*/2", "1,5,9")


def follow_up(schedule: Schedule, rng: Random) -> Change:
    """A change that makes sense for the schedule."""
    weights = [weight for weight, _ in FOLLOWS]
    while True:
        change = rng.choices(FOLLOWS, weights)[0][1](schedule, rng)
        if change and change[1] != schedule:
            return change


def new_time(schedule: Schedule, rng: Random) -> Change | None:
    time = random_time(rng)
    said = clock_texts([time], rng)[0]
    if not schedule.has_clock_time:
        text = pick(
            rng,
            "just once at {}",
            "actually only at {}",
            "make that once, at {}",
            "no, only once a day at {}",
        )
    else:
        text = pick(
            rng,
            "make it {} instead",
            "actually at {}",
            "move it to {}",
            "at {} instead",
            "change the time to {}",
            "and at {}?",
            "what about {}?",
            "no, {}",
            "same at {}",
            "can we do {} instead?",
            "hmm, {} would be better",
            "sorry, I meant {}",
            "same days but at {}",
            "let's say {}",
            "{} please",
            "rather {}",
            "push it to {}",
            "now the same thing for {}",
            "change it to {} pls",
        )
    if said.isdigit() and " at {}" not in f" {text}":
        text = "at {} instead"
    return text.format(said), schedule.but({"minute": str(time[1]), "hour": str(time[0])})


def new_weekdays(schedule: Schedule, rng: Random) -> Change | None:
    if schedule.day != "*":
        return None
    part = weekday(rng, adverbial=True)
    texts = [
        "and {}?",
        "only {}",
        "what about {}?",
        "make it {}",
        "same but {}",
        "same time {}",
        "{} instead",
        "actually {}",
        "change that to {}",
        "and how about {}?",
        "now {}",
        "no, {}",
        "can it be {} instead?",
        "how would it look for {}?",
    ]
    said = part.text
    if "only" in said:
        texts = ["{}", "{} please", "actually {}", "same, but {}"]
    text = rng.choice(texts)
    if not schedule.has_clock_time and "time" in text:
        text = "same but {}"
    if text.startswith(("make it", "change that", "how would")):
        said = said.removeprefix("on ")
    return text.format(said), schedule.but(part.fields)


def every_day_again(schedule: Schedule, rng: Random) -> Change | None:
    # A day of the year made daily would leave open whether its month stays.
    if schedule.day == schedule.weekday or "*" not in (schedule.day, schedule.month):
        return None
    text = pick(
        rng,
        "make it every day",
        "daily then",
        "actually every day",
        "every day instead",
        "and every day?",
        "what if it should run daily?",
        "same but seven days a week",
    )
    return text, schedule.but({"day": "*", "weekday": "*"})


def new_day_of_month(schedule: Schedule, rng: Random) -> Change | None:
    day = rng.randrange(1, 32 if schedule.month == "*" else 29)
    said = ordinal(day, rng)
    if schedule.day.isdigit() and rng.random() < 0.3:
        text = pick(rng, f"also on the {said}", f"and the {said} as well", f"add the {said} too")
        days = ",".join(str(value) for value in sorted({int(schedule.day), day}))
        return text, schedule.but({"day": days})
    text = pick(
        rng,
        "what about the {}?",
        "on the {} instead",
        "make it the {}",
        "actually the {} of the month",
        "move it to the {}",
        "and on the {}?",
        "same but on the {} of each month" if schedule.month == "*" else "the {} then",
        "no, only on the {}",
    )
    return text.format(said), schedule.but({"day": str(day), "weekday": "*"})


def new_months(schedule: Schedule, rng: Random) -> Change | None:
    periodic = schedule.day != "*" and schedule.month in PERIODS
    if schedule.month != "*" and not periodic and rng.random() < 0.5:
        text = pick(
            rng,
            "all year round then",
            "actually in every month",
            "make it all year",
            "any month is fine",
            "drop the month restriction",
        )
        return text, schedule.but({"month": "*"})
    part = months(rng)
    starts = ("in ", "during ", "from ", "only ", "except ", "but not ", "between ")
    if not part.text.startswith(starts):
        return None
    text = pick(
        rng,
        "same but {}",
        "but {}",
        "and {}?",
        "just {}",
        "what about {}?",
        "{}",
        "same thing {}",
        "make it {}",
        "limit that to runs {}",
    )
    said = part.text
    if said.startswith(("only", "except", "but not")):
        text = pick(rng, "{}", "{} please", "same, {}", "{} though")
    elif not said.startswith(("in ", "from ")) and text.startswith(("limit", "make it")):
        text = "but {}"
    return text.format(said), schedule.but(part.fields)


def new_repetition(schedule: Schedule, rng: Random) -> Change | None:
    texts = (
        "{} then",
        "make it {}",
        "{} instead",
        "actually {}",
        "and {}?",
        "what about {}?",
        "change it to {}",
        "no, {}",
        "same but {}",
        "better {}",
        "how about {}?",
    )
    bounds, _, stepped = schedule.hour.partition("/")
    if schedule.has_clock_time or (stepped and bounds.endswith("-23")):
        bounds = "*"
    if rng.random() < 0.65:
        step = rng.choice((2, 3, 5, 5, 10, 10, 12, 15, 15, 20, 30))
        fields = {"minute": f"*/{step}", "hour": bounds}
        return rng.choice(texts).format(minutes_text(step, rng)), schedule.but(fields)
    if "," in bounds:
        return None
    if rng.random() < 0.3:
        said = pick(rng, "every hour", "hourly", "once an hour")
        return rng.choice(texts).format(said), schedule.but({"minute": "0", "hour": bounds})
    step = rng.choice((2, 2, 3, 4, 6, 8))
    if bounds != "*" and step > 4:
        return None
    return (
        rng.choice(texts).format(hours_text(step, rng)),
        schedule.but({"minute": "0", "hour": f"{bounds}/{step}"}),
    )


def skip_day(schedule: Schedule, rng: Random) -> Change | None:
    days = schedule.weekdays
    if schedule.day != "*" or len(days) < 3:
        return None
    if {0, 6} < days and rng.random() < 0.25:
        text = pick(
            rng,
            "not on weekends",
            "skip weekends",
            "but no weekends",
            "drop the weekend",
            "without the weekends",
            "except weekends",
        )
        return text, schedule.but({"weekday": compact_weekdays(days - {0, 6})})
    day = rng.choice(sorted(days))
    plural = rng.random() < 0.5
    name = day_names([day], rng, plural)[0]
    text = pick(
        rng,
        "skip {}",
        "but not {}",
        "except {}",
        "leave out {}",
        "without {}",
        "drop {}",
        "not on {}",
        "no runs on {}",
        "{} can be skipped",
        "everything but {}",
        "same, just not on {}",
        "but exclude {} please",
    )
    return text.format(name), schedule.but({"weekday": compact_weekdays(days - {day})})


def add_day(schedule: Schedule, rng: Random) -> Change | None:
    days = schedule.weekdays
    if schedule.day != "*" or len(days) > 6:
        return None
    if not days & {0, 6} and rng.random() < 0.25:
        text = pick(rng, "weekends too", "also on weekends", "include the weekend as well")
        return text, schedule.but({"weekday": compact_weekdays(days | {0, 6})})
    day = rng.choice(sorted({*range(7)} - days))
    name = day_names([day], rng, rng.random() < 0.4)[0]
    text = pick(
        rng,
        "also on {}",
        "and {} too",
        "add {}",
        "plus {}",
        "{} as well",
        "include {} too",
        "also {}",
        "can you add {}?",
        "on {} too please",
    )
    return text.format(name), schedule.but({"weekday": compact_weekdays(days | {day})})


def shift(schedule: Schedule, rng: Random) -> Change | None:
    """All its times earlier or later, where none leaves the day."""
    if not (schedule.minute.isdigit() and schedule.has_clock_time):
        return None
    amount, later = rng.choice(SHIFTS), rng.random() < 0.6
    moved = [
        int(hour) * 60 + int(schedule.minute) + (amount if later else -amount)
        for hour in schedule.hour.split(",")
    ]
    if not 0 <= min(moved) <= max(moved) < 24 * 60:
        return None
    text = pick(
        rng,
        "{}",
        "make it {}",
        "{} please",
        "can it run {}?",
        "move it {}",
        "actually {}",
        "{} would be better",
        "same but {}",
        "and {}?",
        "shift it {}",
        "a bit different: {}",
    )
    hours = ",".join(str(total // 60) for total in moved)
    fields = {"minute": str(moved[0] % 60), "hour": hours}
    return text.format(_by(amount, "later" if later else "earlier", rng)), schedule.but(fields)


def _by(amount: int, word: str, rng: Random) -> str:
    """half an hour later, 20 minutes earlier"""
    if amount % 60 == 0:
        hours = amount // 60
        said = pick(rng, "an hour", "one hour", "1 hour") if hours == 1 else ""
        return f"{said or f'{count(hours, rng)} hours'} {word}"
    special = {30: "half an hour", 90: "an hour and a half", 15: "a quarter of an hour"}
    if amount in special and rng.random() < 0.6:
        return f"{special[amount]} {word}"
    said = str(amount) if amount > 59 else count(amount, rng)
    return f"{said} {pick(rng, 'minutes', 'minutes', 'min')} {word}"


def shift_day(schedule: Schedule, rng: Random) -> Change | None:
    """One weekday or one day of the month moved by a day."""
    later = rng.random() < 0.6
    text = pick(rng, "a day {}", "one day {}", "make it a day {}", "one day {} please")
    text = text.format("later" if later else "earlier")
    offset = 1 if later else -1
    if schedule.day == "*" and schedule.weekday.isdigit():
        return text, schedule.but({"weekday": str((int(schedule.weekday) + offset) % 7)})
    if schedule.weekday == "*" and schedule.day.isdigit():
        day = int(schedule.day) + offset
        return (text, schedule.but({"day": str(day)})) if 0 < day < 29 else None
    return None


def as_often(schedule: Schedule, rng: Random) -> Change | None:
    twice = rng.random() < 0.6
    fields = _doubled(schedule) if twice else _halved(schedule)
    if fields is None:
        return None
    text = (
        pick(
            rng,
            "twice as often",
            "double the frequency",
            "make it twice as often",
            "that's too rare, run it twice as often",
            "twice as frequently please",
        )
        if twice
        else pick(
            rng,
            "half as often",
            "that's too much, half as often",
            "make it half as frequent",
            "only half as often please",
        )
    )
    return text, schedule.but(fields)


def _doubled(schedule: Schedule) -> dict[str, str] | None:
    step = schedule.minute.removeprefix("*/")
    if schedule.minute.startswith("*/") and "/" not in schedule.hour:
        return {"minute": f"*/{int(step) // 2}"} if int(step) in (4, 10, 12, 20, 30, 6) else None
    if schedule.minute == "0" and "/" in schedule.hour:
        bounds, _, hours = schedule.hour.partition("/")
        if int(hours) in (2, 4, 6, 8, 12) and bounds == "*":
            return {"hour": "*" if hours == "2" else f"*/{int(hours) // 2}"}
        return None
    return {"minute": "*/30"} if (schedule.minute, schedule.hour) == ("0", "*") else None


def _halved(schedule: Schedule) -> dict[str, str] | None:
    if schedule.minute.startswith("*/") and "/" not in schedule.hour:
        step = int(schedule.minute.removeprefix("*/"))
        if step == 30:
            return {"minute": "0"}
        return {"minute": f"*/{step * 2}"} if step in (2, 3, 5, 6, 10, 15) else None
    if schedule.minute == "0" and schedule.hour in ("*", "*/2", "*/3", "*/4", "*/6"):
        step = int(schedule.hour.removeprefix("*/")) if "/" in schedule.hour else 1
        return {"hour": f"*/{step * 2}"}
    return None


def add_time(schedule: Schedule, rng: Random) -> Change | None:
    if not (schedule.minute.isdigit() and schedule.has_clock_time):
        return None
    hours = {int(hour) for hour in schedule.hour.split(",")}
    hour = rng.randrange(24)
    if len(hours) > 2 or hour in hours:
        return None
    said = clock_texts([(hour, int(schedule.minute))], rng)[0]
    text = pick(
        rng,
        "also at {}",
        "and at {} too",
        "and again at {}",
        "plus one more at {}",
        "add {} as well" if not said.isdigit() else "at {} too",
        "run it at {} too",
    )
    both = ",".join(str(value) for value in sorted({*hours, hour}))
    return text.format(said), schedule.but({"hour": both})


def within(schedule: Schedule, rng: Random) -> Change | None:
    if schedule.hour != "*":
        return None
    part = window(rng)
    text = pick(rng, "only {}", "but only {}", "just {}", "same but {}", "and {}?", "limit it: {}")
    if not part.text.startswith(("from", "between", "during", "after", "before")):
        text = pick(rng, "only {}", "but only {}", "just {}")
    return text.format(part.text), schedule.but(part.fields)


def round_the_clock(schedule: Schedule, rng: Random) -> Change | None:
    if not ("*" in schedule.minute and schedule.hour not in ("*",)) or "/" in schedule.hour:
        return None
    text = pick(
        rng,
        "around the clock please",
        "all day instead",
        "actually 24 hours a day",
        "day and night",
        "at all hours then",
        "don't limit the hours",
    )
    return text, schedule.but({"hour": "*"})


def other_half(schedule: Schedule, rng: Random) -> Change | None:
    if not schedule.hour.isdigit() or not schedule.has_clock_time:
        return None
    hour = int(schedule.hour)
    if hour in (0, 12):
        return None
    to = "pm" if hour < 12 else "am"
    wrong = "am" if to == "pm" else "pm"
    said = "in the evening" if to == "pm" and 5 < hour < 11 else to
    text = pick(
        rng,
        f"{to}, not {wrong}",
        f"I meant {to}",
        f"sorry, {to}",
        f"{to} instead",
        f"{said} I mean",
    )
    return text, schedule.but({"hour": str((hour + 12) % 24)})


def minute_only(schedule: Schedule, rng: Random) -> Change | None:
    if not schedule.minute.isdigit():
        return None
    minute = rng.choice((0, 15, 30, 45, *range(5, 60, 5)))
    special = {0: "on the hour", 15: "at quarter past", 30: "at half past"}
    said = special.get(minute, "") if rng.random() < 0.6 else ""
    said = said or pick(
        rng,
        f"at {minute} past",
        f"at :{minute:02d}",
        f"at minute {minute}",
        f"at {number(minute)} minutes past the hour",
    )
    text = pick(rng, "{} instead", "same hour but {}", "make it {}", "actually {}", "but {}")
    if not schedule.hour.isdigit():
        text = text.replace("same hour but", "same but")
    return text.format(said), schedule.but({"minute": str(minute)})


def weekly_or_monthly(schedule: Schedule, rng: Random) -> Change | None:
    if not schedule.has_clock_time or (schedule.day, schedule.month) != ("*", "*"):
        return None
    day = rng.randrange(7)
    name = day_names([day], rng)[0]
    options: tuple[tuple[str, dict[str, str]], ...] = (
        ("once a month is enough", {"day": "1", "weekday": "*"}),
        ("make it monthly", {"day": "1", "weekday": "*"}),
        (f"weekly is enough, on {name}", {"day": "*", "weekday": str(day)}),
        (f"just once a week, {name}", {"day": "*", "weekday": str(day)}),
        ("make it quarterly", {"day": "1", "weekday": "*", "month": "1,4,7,10"}),
        ("every other day is enough", {"day": "*/2", "weekday": "*"}),
        (f"only every {count(3, rng)} days", {"day": "*/3", "weekday": "*"}),
        ("weekdays are enough", {"day": "*", "weekday": compact_weekdays(WORKING)}),
    )
    text, fields = rng.choice(options)
    return text, schedule.but(fields)


def both(schedule: Schedule, rng: Random) -> Change | None:
    """New days and a new time at once."""
    days, time = new_weekdays(schedule, rng), random_time(rng)
    if days is None or not schedule.has_clock_time:
        return None
    part: Part = weekday(rng)
    said = clock_texts([time], rng)[0]
    text = pick(rng, "make it {} at {}", "{} at {} instead", "actually {} at {}", "no, {} at {}")
    fields = {**part.fields, "minute": str(time[1]), "hour": str(time[0])}
    return text.format(part.text, said), schedule.but(fields)


def another(schedule: Schedule, rng: Random) -> Change:
    """A job of its own, which keeps nothing."""
    words, fields = fresh_schedule(rng)
    text = pick(
        rng,
        "new one: {}",
        "next job: {}",
        "another one: {}",
        "now a different job: {}",
        "thanks. And a second job, {}",
        "great, next: {}",
    )
    return text.format(words), fields


FOLLOWS: tuple[tuple[int, Follow], ...] = (
    (24, new_time),
    (20, new_weekdays),
    (4, every_day_again),
    (9, new_day_of_month),
    (10, new_months),
    (12, new_repetition),
    (13, skip_day),
    (10, add_day),
    (16, shift),
    (3, shift_day),
    (11, as_often),
    (8, add_time),
    (8, within),
    (3, round_the_clock),
    (3, other_half),
    (5, minute_only),
    (6, weekly_or_monthly),
    (5, both),
    (6, another),
)
