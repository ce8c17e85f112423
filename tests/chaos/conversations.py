"""What is said: short stored conversations, some of them with a named agent."""

import itertools
import random
from dataclasses import dataclass

from tests.integration.hot_swap import AGENT, QUESTION

#: Short, so that many conversations fit into the time.
MAX_TOKENS = 24

PINNED = ("home", "sql", "triage", "general")

_ROUTED: tuple[tuple[str, ...], ...] = (
    ("every weekday at half past nine in the morning", "and on weekends?"),
    ("turn off the lights in the kitchen please", "same but for the bedroom"),
    ("I was charged twice for my last order, I want my money back!", "Thanks!"),
    ("CREATE TABLE cars (id INTEGER, price REAL);\nHow many cars are there?", "the dearest one?"),
    ("What is the capital of France?", "every monday at noon", "dim the bedroom lamp to 20 %"),
    ("run it every night at 3", "make it 4", "now switch on the heating in the bathroom"),
    ("My parcel still has not arrived.", "lock the front door"),
    ("Good morning!", "set the thermostat in the hall to 21 degrees"),
)


@dataclass(frozen=True)
class Conversation:
    """The client's side of one.

    Attributes:
        model: an agent, or ``auto``.
        streams: whether the answers are streamed.
        leaves: whether the client hangs up in the first stream, to ask again.
        by_proxy: whether it goes through the proxy whose connections are cut.
    """

    name: str
    model: str
    texts: tuple[str, ...]
    streams: bool
    leaves: bool
    by_proxy: bool


def drawn(count: int, seed: int) -> list[Conversation]:
    """So many conversations: three of ten ask one question of the agent whose versions change.

    Two of ten ask the same question of the others, so that whose adapter answered can be told
    from the answer, and five of ten are routed and take several turns.
    """
    rng = random.Random(seed)
    pinned, routed = itertools.cycle(PINNED), itertools.cycle(_ROUTED)
    found = []
    for number in range(count):
        kind = rng.choices(("version", "pinned", "routed"), (3, 2, 5))[0]
        streams = kind == "version" or rng.random() < 0.5
        model = {"version": AGENT, "pinned": next(pinned), "routed": "auto"}[kind]
        texts = next(routed) if kind == "routed" else (QUESTION,)
        leaves = streams and rng.random() < 0.1
        found.append(Conversation(f"c{number}", model, texts, streams, leaves, rng.random() < 0.5))
    return found
