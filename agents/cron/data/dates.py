"""Days of the month, months, and dates in words."""

from random import Random

from agents.cron.data.fields import Part, compact
from agents.cron.data.words import MONTHS, count, listed, month, ordinal, pick

FEASTS = {
    "Christmas Day": (25, 12),
    "Christmas": (25, 12),
    "Christmas Eve": (24, 12),
    "New Year's Day": (1, 1),
    "New Year's Eve": (31, 12),
    "Halloween": (31, 10),
    "Valentine's Day": (14, 2),
    "Independence Day": (4, 7),
    "April Fools' Day": (1, 4),
    "Boxing Day": (26, 12),
    "the fourth of July": (4, 7),
    "leap day": (29, 2),
    "New Year": (1, 1),
    "Valentines": (14, 2),
    "Silvester": (31, 12),
    "St Patrick's Day": (17, 3),
    "May Day": (1, 5),
    "Women's Day": (8, 3),
    "St Nicholas Day": (6, 12),
    "Pi Day": (14, 3),
    "Bastille Day": (14, 7),
    "Cinco de Mayo": (5, 5),
    "Veterans Day": (11, 11),
    "All Saints' Day": (1, 11),
    "the last day of the year": (31, 12),
    "the first day of the year": (1, 1),
}
COMMON_FEASTS = tuple(FEASTS)[:9]
SEASONS = {"spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11), "winter": (12, 1, 2)}
QUARTERS = {1: "1-3", 2: "4-6", 3: "7-9", 4: "10-12"}


def day_of_month(rng: Random, *, adverbial: bool = False) -> Part:
    """Any choice of days of the month; adverbial ones can follow "every 5 minutes"."""
    kinds = (_one_day, _several_days, _day_span, _day_step)
    return rng.choices(kinds, (52, 20, 14, 14))[0](rng, adverbial)


def _of_month(rng: Random) -> str:
    return pick(rng, " of every month", " of each month", " of the month", "", " of every month")


def _one_day(rng: Random, adverbial: bool) -> Part:
    if rng.random() < 0.12:
        text = pick(rng, "on the first day", "on the first", "at the start", "on the 1st")
        return Part(
            text + pick(rng, " of every month", " of each month", " of the month"), {"day": "1"}
        )
    day = rng.randrange(1, 32)
    name = ordinal(day, rng)
    options = [
        f"on the {name}{_of_month(rng)}",
        f"on the {name}{_of_month(rng)}",
        f"on day {day} of {pick(rng, 'every', 'each', 'the')} month",
    ]
    if not adverbial:
        options += [
            f"every month on the {name}",
            f"monthly on the {name}",
            f"every {name} of the month",
            f"once a month on the {name}",
            f"on the {name} every month",
            f"each month on day {day}",
        ]
    return Part(rng.choice(options), {"day": str(day)})


def _several_days(rng: Random, adverbial: bool) -> Part:
    if rng.random() < 0.25:
        text = pick(
            rng,
            "on the 1st and 15th",
            "twice a month on the 1st and 15th",
            "on the first and the fifteenth",
            "on the 1st and the 15th of every month",
        )
        return Part(text, {"day": "1,15"})
    days = sorted(rng.sample(range(1, 32), rng.choice((2, 2, 3))))
    names = [ordinal(day, rng) for day in days]
    if rng.random() < 0.3:
        names = [f"the {name}" for name in names]
        return Part("on " + listed(names, rng) + _of_month(rng), {"day": compact(days)})
    lead = pick(rng, "on the ", "every month on the ", "monthly on the ", "each month on the ")
    lead = "on the " if adverbial else lead
    tail = _of_month(rng) if lead == "on the " else ""
    return Part(lead + listed(names, rng) + tail, {"day": compact(days)})


def _day_span(rng: Random, adverbial: bool) -> Part:
    if rng.random() < 0.25:
        last = rng.choice((3, 5, 7, 10, 14))
        of_month = pick(rng, " of the month", " of each month")
        return Part(f"on the first {count(last, rng)} days{of_month}", {"day": f"1-{last}"})
    start = 1 if rng.random() < 0.3 else rng.randrange(1, 26)
    end = rng.randrange(start + 2, 31 if start == 1 else 32)
    first, final = ordinal(start, rng), ordinal(end, rng)
    text = pick(
        rng,
        f"from the {first} to the {final}",
        f"on the {first} through the {final}",
        f"between the {first} and the {final}",
        f"on days {start} to {end}",
        f"from the {first} through {final}",
        f"on days {start}-{end}",
    )
    return Part(text + (_of_month(rng) or " of the month"), {"day": f"{start}-{end}"})


def _day_step(rng: Random, adverbial: bool) -> Part:
    step = rng.choice((2, 2, 2, 3, 3, 4, 5, 5, 6, 7, 10, 14, 15))
    if step == 2 and rng.random() < 0.6:
        kind = rng.random()
        if kind < 0.2:
            return Part(
                pick(rng, "on even days of the month", "on even-numbered days"), {"day": "2-30/2"}
            )
        if kind < 0.4:
            return Part(
                pick(rng, "on odd days of the month", "on odd-numbered days"), {"day": "*/2"}
            )
        return Part(
            pick(rng, "every other day", "every second day", "on alternate days"), {"day": "*/2"}
        )
    return Part(f"every {count(step, rng)} days", {"day": f"*/{step}"})


def months(rng: Random) -> Part:
    """A restriction to some months, as a phrase that qualifies days."""
    kind = rng.choices(
        ("one", "list", "range", "season", "except", "quarter", "other"), (40, 20, 20, 2, 8, 6, 7)
    )[0]
    if kind == "one":
        value = rng.randrange(1, 13)
        text = pick(rng, "in {}", "in {}", "in {}", "during {}", "only in {}", "throughout {}")
        return Part(text.format(month(value, rng)), {"month": str(value)})
    if kind == "list":
        values = sorted(rng.sample(range(1, 13), rng.choice((2, 2, 3, 4))))
        lead = pick(rng, "in ", "in ", "during ", "only in ")
        return Part(
            lead + listed([month(value, rng) for value in values], rng), {"month": compact(values)}
        )
    if kind == "range":
        return _month_span(rng)
    if kind == "season":
        name = rng.choice(list(SEASONS))
        values = list(SEASONS[name])
        first, last = MONTHS[values[0] - 1], MONTHS[values[-1] - 1]
        text = pick(
            rng,
            f"in {name} ({first} to {last})",
            f"in the {name} months {first} through {last}",
            f"in {name}, {first} to {last}",
        )
        return Part(text, {"month": compact(values)})
    if kind == "except":
        values = sorted(rng.sample(range(1, 13), 2 if rng.random() < 0.25 else 1))
        text = pick(
            rng,
            "every month except {}",
            "in all months but {}",
            "except in {}",
            "but not in {}",
            "in every month other than {}",
        )
        names = listed([month(value, rng) for value in values], rng)
        return Part(text.format(names), {"month": compact({*range(1, 13)} - {*values})})
    if kind == "quarter":
        quarter = rng.randrange(1, 5)
        name = f"{ordinal(quarter, rng)} quarter"
        return Part(
            pick(rng, f"in Q{quarter}", f"in the {name}", f"during Q{quarter}"),
            {"month": QUARTERS[quarter]},
        )
    return rng.choice(
        (
            Part("every other month", {"month": "*/2"}),
            Part("in every second month", {"month": "*/2"}),
            Part("in odd months", {"month": "*/2"}),
            Part("in even months", {"month": "2-12/2"}),
            Part("in even-numbered months", {"month": "2-12/2"}),
            Part("in the first half of the year", {"month": "1-6"}),
            Part("in the second half of the year", {"month": "7-12"}),
            Part("every third month", {"month": "1,4,7,10"}),
            Part("in the first month of each quarter", {"month": "1,4,7,10"}),
        )
    )


def _month_span(rng: Random) -> Part:
    start, length = rng.randrange(1, 13), rng.randrange(3, 8)
    values = [(start + offset - 1) % 12 + 1 for offset in range(length)]
    first, last = month(values[0], rng), month(values[-1], rng)
    text = pick(
        rng,
        f"from {first} to {last}",
        f"from {first} through {last}",
        f"between {first} and {last}",
        f"{first} to {last}",
        f"{first}-{last}",
        f"from {first} until {last}",
        f"{first} through {last}",
    )
    return Part(text, {"month": compact(values)})


def date(rng: Random) -> Part:
    """A day of the year, or the same day in a few months."""
    yearly = pick(rng, "", "", "every year ", "once a year ", "each year ", "annually ", "yearly ")
    if rng.random() < 0.2:
        name = rng.choice(COMMON_FEASTS if rng.random() < 0.6 else tuple(FEASTS))
        day, value = FEASTS[name]
        return Part(f"{yearly}on {name}", {"day": str(day), "month": str(value)})
    day = rng.randrange(1, 31) if rng.random() < 0.9 else 1
    number = rng.choices((1, 2, 3, 4), (82, 10, 5, 3))[0]
    values = sorted(rng.sample([m for m in range(1, 13) if m != 2 or day < 29], number))
    names = [month(value, rng) for value in values]
    name = ordinal(day, rng)
    fields = {"day": str(day), "month": compact(values)}
    if number > 1:
        text = pick(
            rng,
            f"on the {name} of {listed(names, rng)}",
            f"on {listed([f'{m} {day}' for m in names], rng)}",
            f"on {listed([f'{day} {m}' for m in names], rng)}",
        )
        return Part(text, fields)
    said = pick(
        rng,
        f"{names[0]} {day}",
        f"{names[0]} {name}",
        f"{names[0]} the {name}",
        f"{day} {names[0]}",
        f"{name} {names[0]}",
        f"the {name} of {names[0]}",
        f"{name} of {names[0]}",
    )
    lead = f"{yearly}on " if rng.random() < 0.75 or said.startswith("the") else "every "
    return Part(lead + said, fields)


def calendar_period(rng: Random) -> Part:
    """weekly = Sunday, monthly = the 1st, quarterly = the 1st of Jan, Apr, Jul and Oct, ..."""
    text, fields = rng.choice(
        (
            (
                (
                    "weekly",
                    "every week",
                    "once a week",
                    "each week",
                    "on a weekly basis",
                    "1x a week",
                ),
                {"weekday": "0"},
            ),
            (
                ("monthly", "every month", "once a month", "each month", "once every month"),
                {"day": "1"},
            ),
            (
                (
                    "quarterly",
                    "every quarter",
                    "once a quarter",
                    "every three months",
                    "every 3 months",
                    "each quarter",
                    "four times a year",
                    "on the first day of every quarter",
                    "at the start of each quarter",
                    "every quarter on the first",
                    "on the first of each quarter",
                    "every third month",
                    "at the beginning of every quarter",
                ),
                {"day": "1", "month": "1,4,7,10"},
            ),
            (
                (
                    "twice a year",
                    "half-yearly",
                    "every six months",
                    "every 6 months",
                    "semi-annually",
                    "every half year",
                ),
                {"day": "1", "month": "1,7"},
            ),
            (
                (
                    "yearly",
                    "annually",
                    "once a year",
                    "once per year",
                    "one time each year",
                    "every year",
                    "each year",
                    "every January 1st",
                ),
                {"day": "1", "month": "1"},
            ),
            (
                ("every other month", "every two months", "every 2 months", "every second month"),
                {"day": "1", "month": "*/2"},
            ),
            (
                ("every four months", "every 4 months", "three times a year"),
                {"day": "1", "month": "1,5,9"},
            ),
        )
    )
    said = rng.choice(text)
    if "day" in fields and "first" not in said and "start" not in said and rng.random() < 0.3:
        day = rng.randrange(1, 29)
        if fields == {"day": "1", "month": "1"}:
            value = rng.randrange(1, 13)
            yearly = pick(rng, "once a year", "annually", "every year")
            return Part(f"{yearly} in {MONTHS[value - 1]}", {"day": "1", "month": str(value)})
        return Part(f"{said} on the {ordinal(day, rng)}", {**fields, "day": str(day)})
    return Part(said, dict(fields))
