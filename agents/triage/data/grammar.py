"""Expands `[a|b]` choices and `{slot}` names in sentence patterns."""

import json
import random
import re
from pathlib import Path

WORDS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "words.json").read_text(encoding="utf-8")
)


def _amount(rng: random.Random, low: int, high: int) -> str:
    number = rng.randint(low, high)
    cents = rng.choice(["", "", ".99", ".50", ".40"]) if number < 1000 else ""
    text = f"{number:,}{cents}"
    return rng.choice([f"${text}", f"£{text}", f"€{text}", f"{text} euros", f"{text} dollars"])


def _date(rng: random.Random) -> str:
    day, month = rng.randint(1, 28), rng.choice(WORDS["month"])
    suffix = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(day, "th")
    return rng.choice(
        [f"{day} {month}", f"{month} {day}", f"the {day}{suffix}", f"the {day}{suffix} of {month}"]
    )


def _order(rng: random.Random) -> str:
    digits = str(rng.randint(10_000, 9_999_999))
    return rng.choice([digits, f"#{digits}", f"A-{digits[:5]}", f"{digits[:3]}-{digits[3:]}"])


def _code(rng: random.Random) -> str:
    return "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=2)) + str(rng.randint(100, 9999))


def _slot(name: str, rng: random.Random) -> str:
    match name:
        case "amount":
            return _amount(rng, 4, 480)
        case "bigamount":
            return _amount(rng, 900, 9500)
        case "date":
            return _date(rng)
        case "order":
            return _order(rng)
        case "code":
            return _code(rng)
        case "errcode":
            return rng.choice("EFH") + rng.choice(["-", ""]) + str(rng.randint(2, 98))
        case "num":
            return str(rng.randint(2, 480))
        case "year":
            return str(rng.randint(2009, 2024))
        case "phone":
            return f"0{rng.randint(100, 999)} {rng.randint(100_000, 999_999)}"
        case "address":
            return f"{rng.randint(1, 190)} {rng.choice(WORDS['street'])}"
        case _:
            return rng.choice(WORDS[name])


def expand(pattern: str, rng: random.Random) -> str:
    """One random reading of `pattern`; choices do not nest."""
    chosen = re.sub(r"\[([^\]]*)\]", lambda m: rng.choice(m[1].split("|")), pattern)
    filled = re.sub(r"\{(\w+)\}", lambda m: _slot(m[1], rng), chosen)
    return re.sub(r"\b([Aa]) (?=air|e-|electric|armchair)", r"\1n ", filled)
