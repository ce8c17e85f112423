"""Write train.jsonl and calibration.jsonl: `python -m router.data.make`."""

import json
import random
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

from router.data.chains import CALIBRATION_SHARE, Chain, in_calibration, load_chains
from router.data.compose import Deck, Turn, compose

SEED = 0
CONVERSATIONS = 1500
#: Written by hand is what users write: most of what the thresholds are fitted on.
HANDWRITTEN_IN_CALIBRATION = 0.4
HERE = Path(__file__).parent
AGENTS = HERE.parent.parent / "agents"


class Conversation(TypedDict):
    """One row of the output: user turns carry `domain`, assistant turns do not."""

    id: str
    turns: list[Turn]


def load_handwritten(path: Path) -> list[Conversation]:
    """Read the conversations written by hand, already in the output's format."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def compose_side(
    chains: dict[str, list[Chain]], count: int, prefix: str, rng: random.Random
) -> list[Conversation]:
    """Return `count` different conversations made of `chains`, with ids `prefix`-0001 and up."""
    decks = {agent: Deck(agent_chains, rng) for agent, agent_chains in chains.items()}
    found: dict[str, list[Turn]] = {}
    while len(found) < count:
        turns = compose(decks, rng)
        found[json.dumps(turns)] = turns
    return [
        {"id": f"{prefix}-{number:04d}", "turns": turns}
        for number, turns in enumerate(found.values(), start=1)
    ]


def build(agents: Path, seed: int) -> dict[str, list[Conversation]]:
    """Return the conversations of both sides; no chain and no conversation stands in both."""
    chains = load_chains(agents)
    handwritten = load_handwritten(HERE / "handwritten.jsonl")
    sides: dict[str, list[Conversation]] = {}
    for name, calibration in (("train", False), ("calibration", True)):
        own = [
            row
            for row in handwritten
            if in_calibration(row["id"], HANDWRITTEN_IN_CALIBRATION) is calibration
        ]
        share = CALIBRATION_SHARE if calibration else 1 - CALIBRATION_SHARE
        side = {
            # The first message names the chain, so that its longer versions fall on one side.
            agent: [
                chain
                for chain in rows
                if in_calibration(chain.pairs[0][0], CALIBRATION_SHARE) is calibration
            ]
            for agent, rows in chains.items()
        }
        for agent, rows in side.items():
            if not rows:
                raise ValueError(f"too few {agent} chains: none falls into {name}")
        composed = compose_side(
            side, round(CONVERSATIONS * share), name, random.Random(f"{seed}-{name}")
        )
        sides[name] = own + composed
    return sides


def describe(rows: list[Conversation]) -> str:
    """Count conversations, user turns, turns per agent and hand-offs."""
    labels = [[t["domain"] for t in row["turns"] if "domain" in t] for row in rows]
    turns = Counter(label for row in labels for label in row)
    hand_offs = sum(a != b for row in labels for a, b in pairwise(row))
    return f"{len(rows)} conversations, {turns.total()} user turns, {hand_offs} hand-offs, {turns}"


def main() -> int:
    """Write both files beside this one."""
    try:
        sides = build(AGENTS, SEED)
    except (FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, rows in sides.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (HERE / f"{name}.jsonl").write_text(text, encoding="utf-8")
        print(f"{name}: {describe(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
