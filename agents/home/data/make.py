"""Make the training rows: `python -m agents.home.data.make` writes train.jsonl beside this file.

Conventions that every row keeps (an answer is judged by exact equality):

room   The place named, in snake_case and singular, articles and possessives dropped:
       living_room, kids_room, mum's room -> mums_room, my son's room -> sons_room, upstairs,
       first_floor. Places are copied, never mapped (hall stays hall), so that unseen ones work.
       null when no place is named, and for "the house", "everywhere", "in here".
       front/back/main/side door (or gate, or its camera) have room null; garage door, patio door,
       kitchen door, garden gate have that room. Only the place that is acted on counts: where
       the speaker is, or what is excluded, does not.
value  A number for temperature, percent, volume, channel, speed level: int if whole, else float;
       "twenty one" -> 21, half/halfway -> 50, a quarter -> 25, full brightness -> 100.
       A lower-case string for colours, modes, scenes, music, apps, stations: as said, without the
       class word ("movie mode" -> movie, "jazz music" -> jazz). Fan or speaker on full -> max.
       null unless the action is set. Times, durations and amounts in chatter are ignored.
action Start/run/send out the vacuum = turn_on; stop/dock = turn_off. Play music = turn_on, play
       something named = set. Preheat = turn_on, preheat to 200 = set. "Open the blinds" = open,
       "open the blinds halfway" = set 50. Asking, checking or "show me the camera" = query.
device heating, heat, AC, radiator, temperature = thermostat; curtains, shades, shutters = blind;
       lamp, bulb, chandelier = light; telly = tv; music, sound, soundbar, stereo, radio = speaker;
       gate = door; hoover, robot, roomba = vacuum; doorbell camera, cctv = camera; stove,
       cooker = oven; ventilator, extractor = fan.
"""

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from .cells import COMMANDS, Cell
from .chains import Said, follow_up
from .frames import contrast, dress, problem
from .implied import draw_implied
from .intent import Intent, parse_answer
from .noise import misspell, punctuate
from .nouns import draw_noun, placed_phrase, roomless_phrase
from .phrases import Core, realise
from .queries import QUERIES
from .rooms import Place, place_for

FOLDER = Path(__file__).parent
SEED = 7
SINGLES, IMPLIED, PROBLEMS, CHAINS = 2440, 280, 130, 770
TYPO_SHARE, SYSTEM_SHARE, ROOM_SHARE = 0.13, 0.04, 0.62
CELLS = COMMANDS + QUERIES
SYSTEMS = """You are a helpful assistant.|You are a smart home assistant.|Be concise.
Answer in JSON.
You are an assistant that controls a house.|You help people with their home.
Follow the instructions.
You are a helpful AI assistant.|Respond with JSON only.|You control the devices of a home.
You are a friendly voice assistant.|Help the user as well as you can.
You are a home automation system.
Turn each request into a command.|You are an AI model that follows instructions carefully."""
Row = dict[str, list[dict[str, str]]]


def _cell(rng: Random) -> Cell:
    return rng.choices(CELLS, [cell.weight for cell in CELLS])[0]


def _core(rng: Random) -> Core:
    cell = _cell(rng)
    place = place_for(rng, cell.device) if rng.random() < ROOM_SHARE else None
    return realise(rng, cell, place)


def _write(rng: Random, text: str, place: Place | None) -> str:
    """Typos spare the words of rare places: those must stay there to be copied."""
    known = place is None or place.typo_safe
    return punctuate(rng, misspell(rng, text, TYPO_SHARE) if known else text)


def _turns(*pairs: tuple[str, Intent]) -> Row:
    messages = []
    for text, intent in pairs:
        messages.append({"role": "user", "content": text})
        messages.append({"role": "assistant", "content": intent.answer()})
    return {"messages": messages}


def single(rng: Random) -> Row:
    """One request, one answer."""
    core = _core(rng)
    text = dress(rng, core)
    named = core.style == "command" and core.place is not None and not core.front
    if named and core.place and core.place.the in text and text == core.text and rng.random() < 0.2:
        text = contrast(rng, text, core)
    return _turns((_write(rng, text, core.place), core.intent))


def implied(rng: Random) -> Row:
    """A hint instead of a command."""
    text, intent = draw_implied(rng)
    return _turns((punctuate(rng, misspell(rng, text, TYPO_SHARE / 2)), intent))


def complaint(rng: Random) -> Row:
    """A complaint about a state that should be the opposite."""
    options = [cell for cell in COMMANDS if cell.action != "set" and cell.device != "vacuum"]
    cell = rng.choice(options)
    place = place_for(rng, cell.device) if rng.random() < ROOM_SHARE else None
    noun = draw_noun(rng, cell.device, place)
    phrase = placed_phrase(rng, cell.device, noun, place) if place else roomless_phrase(rng, noun)
    intent = Intent(cell.action, cell.device, place.room if place else None)
    core = Core("state", phrase, intent, noun, place)
    return _turns((_write(rng, problem(rng, phrase, core), place), core.intent))


def chain(rng: Random) -> Row:
    """Two or three turns, each leaning on the one before."""
    core = _core(rng)
    pairs = [(_write(rng, dress(rng, core), core.place), core.intent)]
    last = Said(core.intent, core.noun, core.place)
    for _ in range(rng.choice([1, 1, 1, 2, 2])):
        text, last = follow_up(rng, last)
        opener = rng.choice(["thanks, ", "great, ", "ok, ", "hmm, ", "please "])
        if rng.random() < 0.06 and not text.startswith(("ok", "and", "no", "thanks", "actually")):
            text = opener + text
        pairs.append((_write(rng, text, last.place), last.intent))
    return _turns(*pairs)


def handwritten() -> list[Row]:
    """The rows that people wrote, from handwritten.jsonl."""
    lines = (FOLDER / "handwritten.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def build(seed: int = SEED) -> list[Row]:
    """All rows, checked, without duplicates, shuffled."""
    rng = Random(seed)
    rows = {_first_words(row): row for row in handwritten()}
    makers = ((single, SINGLES), (implied, IMPLIED), (complaint, PROBLEMS), (chain, CHAINS))
    for make, count in makers:
        goal = len(rows) + count
        while len(rows) < goal:
            row = make(rng)
            rows.setdefault(_first_words(row), row)
    made = list(rows.values())
    rng.shuffle(made)
    for row in made:
        if rng.random() < SYSTEM_SHARE:
            system = rng.choice(SYSTEMS.replace("\n", "|").split("|"))
            row["messages"].insert(0, {"role": "system", "content": system})
        validate(row)
    return made


def _first_words(row: Row) -> str:
    users = [turn["content"] for turn in row["messages"] if turn["role"] == "user"]
    return " / ".join(users).lower().rstrip(".!?")


def validate(row: Row) -> None:
    """Raise ValueError unless the roles alternate and every answer keeps the schema."""
    turns = [turn for turn in row["messages"] if turn["role"] != "system"]
    if [turn["role"] for turn in turns] != ["user", "assistant"] * (len(turns) // 2):
        raise ValueError(f"roles must alternate: {row}")
    for turn in turns:
        if turn["role"] == "assistant":
            parse_answer(turn["content"])
        elif not turn["content"].strip() or "{" in turn["content"] or "  " in turn["content"]:
            raise ValueError(f"bad user text: {turn['content']!r}")


def summary(rows: list[Row]) -> str:
    """Counts that show the balance of the rows."""
    answers: list[dict[str, Any]] = [
        json.loads(turn["content"])
        for row in rows
        for turn in row["messages"]
        if turn["role"] == "assistant"
    ]
    chains = sum(sum(turn["role"] == "user" for turn in row["messages"]) > 1 for row in rows)
    rooms = Counter(answer["room"] for answer in answers)
    lines = [f"{len(rows)} rows, {chains} chains, {len(answers)} answers, {len(rooms)} rooms"]
    lines.append(f"room null: {rooms[None] / len(answers):.0%}")
    for field in ("action", "device"):
        counts = Counter(answer[field] for answer in answers)
        lines.append(f"{field}: " + ", ".join(f"{k} {n}" for k, n in counts.most_common()))
    return "\n".join(lines)


def main() -> None:
    """Write train.jsonl and print the summary."""
    rows = build()
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (FOLDER / "train.jsonl").write_text(text, encoding="utf-8")
    print(summary(rows))


if __name__ == "__main__":
    main()
