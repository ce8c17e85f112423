"""Write chains.jsonl: `python -m agents.general.data.make`."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from agents.general.data import (
    knowledge,
    near_misses,
    phrasing,
    smalltalk,
    topics,
    writing_and_code,
)
from agents.general.data.phrasing import Kind

SEED = 0
OUTPUT = Path(__file__).with_name("chains.jsonl")
FOLLOW_UP_COUNTS = (0, 0, 1, 1, 2)
CLOSER_SHARE = 0.15
MATHS_CHAINS = 30

Pair = tuple[str, str]
Chain = list[Pair]


def parse_chains(text: str) -> list[Chain]:
    """Read blank-line separated chains; `> ` opens a user turn and `< ` an assistant turn."""
    return [_parse_chain(block) for block in text.strip().split("\n\n")]


def _parse_chain(block: str) -> Chain:
    turns: list[str] = []
    for line in block.split("\n"):
        if line.startswith(("> ", "< ")):
            if ("> " if len(turns) % 2 == 0 else "< ") != line[:2]:
                raise ValueError(f"user and assistant must alternate: {block!r}")
            turns.append(line[2:])
        else:
            turns[-1] += "\n" + line
    return list(zip(turns[::2], turns[1::2], strict=True))


def _lines(text: str) -> list[str]:
    return text.strip().split("\n")


def _go_on(kind: Kind, rng: random.Random) -> Chain:
    chain = rng.sample(kind.follow_ups, rng.choice(FOLLOW_UP_COUNTS))
    if rng.random() < CLOSER_SHARE:
        chain.append(rng.choice(phrasing.CLOSERS))
    return chain


def _generate(kind: Kind, rng: random.Random, languages: str = "-") -> Iterator[Chain]:
    for line in _lines(kind.topics):
        topic, answer = line.split(" | ", 1)
        for opener in rng.sample(kind.openers, kind.chains_per_topic):
            language = rng.choice(_lines(languages))
            yield [(opener.format(t=topic, l=language), answer), *_go_on(kind, rng)]


def _maths(rng: random.Random) -> Chain:
    a, b, c = rng.randint(12, 99), rng.randint(3, 40), rng.randint(2, 9)
    ask, result = rng.choice(
        [
            (f"what's {a} times {b}", a * b),
            (f"{a} + {b} = ?", a + b),
            (f"how much is {a * b} divided by {b}?", a),
            (f"I have {a} apples and give away {c}. How many are left?", a - c),
            (f"calculate {c} squared plus {a}", c * c + a),
            (f"a shirt costs {a * 10} crowns and is 10% off, what do I pay", a * 9),
        ]
    )
    chain = [(ask, f"{result}.")]
    if rng.random() < 0.5:
        chain.append(
            rng.choice(
                [
                    (f"and minus {c}?", f"{result - c}."),
                    ("double that", f"{result * 2}."),
                    (f"times {c}", f"{result * c}."),
                    ("how did you get that", "I did it step by step, from left to right."),
                ]
            )
        )
    return chain


def build_chains(seed: int) -> list[Chain]:
    """Return every chain once, hand-written ones first; the same seed gives the same list."""
    rng = random.Random(seed)
    chains: list[Chain] = []
    for module in (smalltalk, near_misses, knowledge, writing_and_code):
        chains += parse_chains(module.CHAINS)
    for kind in phrasing.KINDS:
        chains += _generate(kind, rng)
    chains += _generate(phrasing.CODE, rng, topics.LANGUAGES)
    chains += _generate(phrasing.TRANSLATE, rng, topics.TONGUES)
    chains += (_maths(rng) for _ in range(MATHS_CHAINS))
    return list({chain[0][0].casefold(): chain for chain in chains}.values())


def to_row(chain: Chain) -> dict[str, list[dict[str, str]]]:
    """Return a chain as a chat row."""
    messages = [
        {"role": role, "content": content}
        for pair in chain
        for role, content in zip(("user", "assistant"), pair, strict=True)
    ]
    return {"messages": messages}


def main() -> None:
    """Write chains.jsonl beside this file."""
    rows = [json.dumps(to_row(chain), ensure_ascii=False) for chain in build_chains(SEED)]
    OUTPUT.write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"{OUTPUT.name}: {len(rows)} chains")


if __name__ == "__main__":
    main()
