"""Names of numbers, days and months, and how people join them."""

from collections.abc import Sequence
from random import Random

SMALL = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty"}
ORDINALS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
)
WEEKDAYS = (
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
)
SHORT_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
OTHER_SHORT_WEEKDAYS = ("Sun", "Mon", "Tues", "Weds", "Thurs", "Fri", "Sat")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def number(value: int) -> str:
    """A number below 60 in words."""
    if value < 20:
        return SMALL[value]
    tens, unit = value - value % 10, value % 10
    return TENS[tens] + (f"-{SMALL[unit]}" if unit else "")


def ordinal_word(value: int) -> str:
    """first ... thirty-first"""
    if value <= 20:
        return ORDINALS[value - 1]
    if value == 30:
        return "thirtieth"
    return f"{TENS[value - value % 10]}-{ORDINALS[value % 10 - 1]}"


def ordinal_digits(value: int) -> str:
    """1st ... 31st"""
    teen = 10 < value < 20
    return f"{value}" + ("th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th"))


def ordinal(value: int, rng: Random) -> str:
    """A day of the month: 15th, fifteenth."""
    return ordinal_word(value) if rng.random() < 0.35 else ordinal_digits(value)


def count(value: int, rng: Random) -> str:
    """A count in digits or in words."""
    return number(value) if rng.random() < 0.35 else str(value)


def month(value: int, rng: Random) -> str:
    """A month's name or its abbreviation."""
    name = MONTHS[value - 1]
    if rng.random() > 0.3:
        return name
    return "Sept" if value == 9 and rng.random() < 0.5 else name[:3]


def listed(items: Sequence[str], rng: Random) -> str:
    """Items in a list: "a, b and c", "a & b", "a, b, c"."""
    if len(items) == 1:
        return items[0]
    if rng.random() < 0.05:
        return " and ".join(items)
    last = rng.choices((" and ", " & ", ", ", ", and ", " plus "), (60, 12, 14, 8, 4))[0]
    if last == ", and " and len(items) == 2:
        last = " and "
    return ", ".join(items[:-1]) + last + items[-1]


def pick(rng: Random, *options: str) -> str:
    """One of the options."""
    return rng.choice(options)
