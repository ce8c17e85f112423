"""One cell and one place made into a bare sentence, before any politeness or chatter."""

from dataclasses import dataclass
from random import Random

from .cells import Cell
from .intent import Intent
from .nouns import Noun, draw_noun, placed_phrase, roomless_phrase
from .rooms import Place

_PLAYED = ("music", "sound", "radio")
_HEATERS = ("heating", "heat", "heater", "radiator", "radiators", "central heating", "furnace",
            "underfloor heating")  # fmt: skip


@dataclass(frozen=True)
class Core:
    """A bare sentence; `style` is command, state, terse or question, `front` goes before it."""

    style: str
    text: str
    intent: Intent
    noun: Noun
    place: Place | None
    front: str = ""


def realise(rng: Random, cell: Cell, place: Place | None) -> Core:
    """Say what the cell says about a random device of its kind in the place."""
    said, value = cell.sampler(rng) if cell.sampler else ("", None)
    intent = Intent(cell.action, cell.device, place.room if place else None, value)
    noun = _fitting_noun(rng, cell, place)
    if cell.action == "query":
        return _sentence(rng, "question", cell.commands, noun, place, said, intent)
    roll = rng.random()
    if roll < 0.68 or not cell.states:
        return _sentence(rng, "command", cell.commands, noun, place, said, intent)
    if roll < 0.84:
        return _state(rng, cell.states, noun, place, said, intent)
    return _terse(rng, cell.states + 2 * cell.terse, noun, place, said, intent)


def _fitting_noun(rng: Random, cell: Cell, place: Place | None) -> Noun:
    while True:
        noun = draw_noun(rng, cell.device, place)
        if noun.text in _HEATERS and cell.action == "set" and _is_mode(cell):
            continue
        if noun.text in _PLAYED and cell.action in ("set", "query") and rng.random() < 0.9:
            continue
        return noun


def _is_mode(cell: Cell) -> bool:
    return any(" mode" in command for command in cell.commands)


def _odd(pattern: str, noun: Noun, said: str) -> bool:
    """Whether the words would clash: "dim to full", "on the music"."""
    clashes = ("on {np}", "{np} to", "of {np}")
    if noun.text in _PLAYED and any(words in pattern for words in clashes):
        return not pattern.startswith("turn")
    if said.startswith(("full", "max")) and any(w in pattern for w in ("down", "dim", "lower")):
        return True
    return "brightness" in said and "bright" in pattern


def _pick(rng: Random, patterns: tuple[str, ...], noun: Noun, said: str) -> str:
    fitting = [pattern for pattern in patterns if not _odd(pattern, noun, said)]
    return rng.choice(fitting or list(patterns))


def _sentence(rng: Random, style: str, patterns: tuple[str, ...], noun: Noun,
              place: Place | None, said: str, intent: Intent) -> Core:  # fmt: skip
    pattern = _pick(rng, patterns, noun, said)
    phrase, where, front = roomless_phrase(rng, noun), "", ""
    if place is None:
        where = _unnamed_where(rng, pattern, intent)
    elif "{place}" not in pattern:
        spot = _spot(rng, intent, "{np}" in pattern)
        if spot == "phrase":
            phrase = placed_phrase(rng, intent.device, noun, place)
        elif spot == "front":
            front = place.where
        else:
            where = place.where
            pattern = pattern if "{where}" in pattern else _append(pattern, "{where}")
    elif "{np}" in pattern:
        phrase = f"the {noun.text}"
    text = _fill(pattern, phrase, noun, where, place.the if place else _house(rng), said)
    return Core(style, text, intent, noun, place, front)


def _spot(rng: Random, intent: Intent, has_phrase: bool) -> str:
    if intent.device == "door":
        return "phrase"
    weights = [66, 10, 24] if has_phrase else [0, 14, 86]
    return rng.choices(["phrase", "front", "end"], weights)[0]


def _unnamed_where(rng: Random, pattern: str, intent: Intent) -> str:
    if intent.device == "thermostat" and "{where}" in pattern and intent.action == "query":
        return rng.choice(["in here", "inside", "in here", "in the house", "right now", "at home"])
    if "{where}" in pattern:
        return rng.choice(["", "", "", "in here"])
    return ""


def _house(rng: Random) -> str:
    return rng.choice(["the house", "the whole house", "the place", "the flat", "the house"])


def _append(pattern: str, more: str) -> str:
    return f"{pattern[:-1]} {more}?" if pattern.endswith("?") else f"{pattern} {more}"


def _fill(pattern: str, phrase: str, noun: Noun, where: str, the_place: str, said: str) -> str:
    text = pattern.format(np=phrase, be=noun.be, it=noun.it, where=where, place=the_place, v=said)
    return " ".join(text.split()).replace(" ?", "?")


def _state(rng: Random, states: tuple[str, ...], noun: Noun, place: Place | None, said: str,
           intent: Intent) -> Core:  # fmt: skip
    phrase = placed_phrase(rng, intent.device, noun, place) if place else roomless_phrase(rng, noun)
    state = _pick(rng, states, noun, said).format(v=said)
    frames = ["I want {p} {s}", "I'd like {p} {s}", "I need {p} {s}", "{p} should be {s}",
              "can I have {p} {s}?", "could we have {p} {s}?", "let's have {p} {s}",
              "please have {p} {s}", "I would like to have {p} {s}", "we want {p} {s}",
              "I'd prefer {p} {s}", "get {p} {s}", "I want {p} {s}", "have {p} {s}"]  # fmt: skip
    if state.startswith(("on ", "at ", "in ", "off", "on")):
        frames += ["can we get {p} {s}?", "{p} {s} please"]
    text = rng.choice(frames).format(p=phrase, s=state).replace("be to be", "be")
    return Core("state", text, intent, noun, place)


def _terse(rng: Random, states: tuple[str, ...], noun: Noun, place: Place | None, said: str,
           intent: Intent) -> Core:  # fmt: skip
    state = _pick(rng, states, noun, said).format(v=said)
    if place is None:
        text = f"{noun.text} {state}"
    elif intent.device == "door":
        text = f"{place.bare} {noun.text} {state}"
    else:
        orders = [f"{place.bare} {noun.text} {state}", f"{place.bare} {noun.text} {state}",
                  f"{noun.text} {state} {place.bare}", f"{noun.text} {state} {place.where}",
                  f"{place.bare}: {noun.text} {state}", f"{noun.text} {place.bare} {state}",
                  f"{noun.text} {place.where} {state}", f"{place.bare}, {noun.text} {state}",
                  ]  # fmt: skip
        text = rng.choice(orders)
    return Core("terse", text, intent, noun, place)
