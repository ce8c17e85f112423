"""Capitals, punctuation and typos, as careless as real people."""

import re
from random import Random

# Words that may be misspelt without changing what is meant.
_SAFE = """please could would turn turning switch lights light kitchen bedroom bathroom living room
temperature thermostat heating curtains blinds curtain hallway garage dining office upstairs
speaker speakers music volume vacuum camera security oven television degrees percent brightness
going friends tonight minutes before heading change playing locked check whether status ceiling
basement garden laundry guest master heater shutters hoover channel window recording running
close door front another should actually playroom study garden attic lounge nursery"""
_SAFE_WORDS = set(re.split(r"\s+", _SAFE))


def _typo(rng: Random, word: str) -> str:
    at = rng.randrange(1, len(word) - 1)
    kind = rng.choice(["swap", "drop", "double", "swap", "drop"])
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def misspell(rng: Random, text: str, share: float) -> str:
    """Misspell one or two safe words in the given share of texts."""
    if rng.random() >= share:
        return text
    words = text.split(" ")
    spots = [i for i, word in enumerate(words) if word in _SAFE_WORDS and len(word) > 3]
    for i in rng.sample(spots, min(len(spots), rng.choice([1, 1, 2]))):
        words[i] = _typo(rng, words[i])
    return " ".join(words)


def punctuate(rng: Random, text: str) -> str:
    """Pick a casing and an ending; most people write neatly, many do not."""
    text = re.sub(r"\s+", " ", text).strip()
    roll = rng.random()
    if roll < 0.34:
        text = text.lower() if rng.random() < 0.7 else text
        return text.rstrip("?") if rng.random() < 0.75 else text
    if roll < 0.355:
        return text.upper()
    text = re.sub(r"(^|[.?] )([a-z])", lambda m: m[1] + m[2].upper(), text)
    if text.endswith("?"):
        return text
    return text + rng.choices([".", "", "!"], [60, 36, 4])[0]
