"""Compose conversations that change between agents out of single-agent chains."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from router.data import bridges
from router.data.chains import Chain

Turn = dict[str, str]
Pair = tuple[str, str]

AGENT_WEIGHTS = {"general": 0.18, "sql": 0.19, "cron": 0.21, "triage": 0.21, "home": 0.21}
USER_TURN_WEIGHTS = {1: 0.14, 2: 0.18, 3: 0.2, 4: 0.18, 5: 0.14, 6: 0.1, 7: 0.06}
MAX_SEGMENTS = 5
MULTI_TURN_SHARE = 0.5
SAME_AGENT_SHARE = 0.12
BRIDGE_SHARE = 0.4
HOLD_BACK_SHARE = 0.6
RETURN_SHARE = 0.6
BARE_RETURN_SHARE = 0.35
SCHEMA_FIRST_SHARE = 0.35
PAUSE_SHARE = 0.12
ABOUT_SHARE = 0.1
FAREWELL_SHARE = 0.05
OPEN_END_SHARE = 0.25
MIN_WORDS_TO_BRIDGE = 4

_SCHEMA_THEN_QUESTION = re.compile(
    r"\s*(create table.*\)(?:\s*;|\s*\n))\s*(?!create\b|```)(\S[^)]*)", re.IGNORECASE | re.DOTALL
)
_TABLE = re.compile(r"create table (?:if not exists )?[\"`\[]?(\w+)", re.IGNORECASE)


class Deck:
    """Draws chains without repeating one before all have been drawn."""

    def __init__(self, chains: list[Chain], rng: random.Random) -> None:
        multi = [chain for chain in chains if len(chain.pairs) > 1]
        single = [chain for chain in chains if len(chain.pairs) == 1]
        self._rng = rng
        self._multi = _shuffled_forever(multi or single, rng)
        self._single = _shuffled_forever(single or multi, rng)

    def draw(self) -> Chain:
        """Return a chain, one with follow-ups in `MULTI_TURN_SHARE` of the draws."""
        pile = self._multi if self._rng.random() < MULTI_TURN_SHARE else self._single
        return next(pile)


def _shuffled_forever(chains: list[Chain], rng: random.Random) -> Iterator[Chain]:
    while True:
        yield from rng.sample(chains, len(chains))


@dataclass
class _Draft:
    """A conversation in the making; `held` are follow-ups on `held_thing` for later."""

    rng: random.Random
    wanted: int
    turns: list[Turn] = field(default_factory=list)
    held: Chain | None = None
    held_thing: str = ""

    @property
    def room(self) -> int:
        return self.wanted - len(self.turns) // 2

    @property
    def agent(self) -> str | None:
        return self.turns[-2]["domain"] if self.turns else None

    def add(self, agent: str, pair: Pair) -> None:
        if self.room > 0:
            self.turns.append({"role": "user", "content": pair[0], "domain": agent})
            self.turns.append({"role": "assistant", "content": pair[1]})

    def interrupt(self, agent: str) -> None:
        """Maybe add small talk or a question about the last answer."""
        chance = self.rng.random()
        if chance < PAUSE_SHARE:
            self.add("general", self.rng.choice(bridges.PAUSES))
        elif chance < PAUSE_SHARE + ABOUT_SHARE and agent in bridges.ABOUT:
            self.add("general", self.rng.choice(bridges.ABOUT[agent]))


def compose(decks: dict[str, Deck], rng: random.Random) -> list[Turn]:
    """Return the turns of one conversation of 1-7 user turns; user turns carry `domain`."""
    wanted = rng.choices(list(USER_TURN_WEIGHTS), list(USER_TURN_WEIGHTS.values()))[0]
    draft = _Draft(rng, wanted)
    for _ in range(MAX_SEGMENTS):
        if draft.room <= 0:
            break
        # The later it comes back, the less of it the router still reads in full.
        now = draft.room == 1 or rng.random() < RETURN_SHARE
        if draft.held and draft.held.agent != draft.agent and now:
            _come_back(draft, draft.held)
        else:
            _new_segment(draft, decks)
    if draft.agent != "general" and rng.random() < FAREWELL_SHARE:
        draft.wanted += draft.wanted < max(USER_TURN_WEIGHTS)
        draft.add("general", rng.choice(bridges.FAREWELLS))
    return draft.turns[:-1] if rng.random() < OPEN_END_SHARE else draft.turns


def _new_segment(draft: _Draft, decks: dict[str, Deck]) -> None:
    rng = draft.rng
    chain = decks[_next_agent(draft)].draw()
    pairs = _maybe_schema_first(chain, rng)
    if draft.turns and rng.random() < BRIDGE_SHARE:
        pairs[0] = (bridge(pairs[0][0], chain.agent, rng), pairs[0][1])
    cut = len(pairs)
    if _worth_holding_back(draft, pairs, chain.agent):
        cut = rng.randint(1, len(pairs) - 1)
        draft.held = Chain(chain.agent, tuple(pairs[cut:]))
        draft.held_thing = _thing(chain.agent, pairs[cut - 1][1], rng)
    for pair in pairs[:cut]:
        draft.add(chain.agent, pair)
        draft.interrupt(chain.agent)


def _worth_holding_back(draft: _Draft, pairs: list[Pair], agent: str) -> bool:
    possible = len(pairs) > 1 and draft.room > 2 and agent != "general" and not draft.held
    return possible and draft.rng.random() < HOLD_BACK_SHARE


def _next_agent(draft: _Draft) -> str:
    if draft.agent and draft.rng.random() < SAME_AGENT_SHARE:
        return draft.agent
    weights = {name: w for name, w in AGENT_WEIGHTS.items() if name != draft.agent}
    return draft.rng.choices(list(weights), list(weights.values()))[0]


def _come_back(draft: _Draft, held: Chain) -> None:
    first, answer = held.pairs[0]
    draft.add(held.agent, (_return_words(first, draft, held.agent), answer))
    for pair in held.pairs[1:]:
        draft.add(held.agent, pair)
    draft.held = None


def _return_words(text: str, draft: _Draft, agent: str) -> str:
    if draft.rng.random() < BARE_RETURN_SHARE:
        return text
    if agent == "triage":
        return draft.rng.choice(bridges.TRIAGE_RETURNS).format(t=text)
    template = draft.rng.choice(bridges.RETURNS)
    return template.format(thing=draft.held_thing, t=decapitalise(text))


def _thing(agent: str, answer: str, rng: random.Random) -> str:
    """Name what `answer` was about, as one would when coming back to it."""
    if agent == "home":
        try:
            return str(json.loads(answer)["device"])
        except (ValueError, KeyError, TypeError):
            pass
    return rng.choice(bridges.THINGS.get(agent, ("question",)))


def _maybe_schema_first(chain: Chain, rng: random.Random) -> list[Pair]:
    """Sometimes let the tables stand alone in a turn of their own before the question."""
    pairs = list(chain.pairs)
    match = _SCHEMA_THEN_QUESTION.fullmatch(pairs[0][0]) if chain.agent == "sql" else None
    if match and rng.random() < SCHEMA_FIRST_SHARE:
        schema, question = match.groups()
        table = _TABLE.search(schema)
        reply = rng.choice(bridges.SCHEMA_REPLIES).format(table=table[1] if table else "t")
        return [(schema, reply), (question, pairs[0][1]), *pairs[1:]]
    return pairs


def bridge(text: str, agent: str, rng: random.Random) -> str:
    """Return `text` behind words that lead over from another topic, if it is long enough."""
    if len(text.split()) < MIN_WORDS_TO_BRIDGE:
        return text
    if agent == "triage":
        return rng.choice(bridges.TRIAGE_BRIDGES).format(t=text)
    template = rng.choice(bridges.BRIDGES)
    ends_sentence = template.removesuffix("{t}").rstrip().endswith((".", "!"))
    return template.format(t=text if ends_sentence else decapitalise(text))


def decapitalise(text: str) -> str:
    """Lower the first letter, except of `I`, names in capitals and code."""
    first = text.split(maxsplit=1)[0]
    if first == "I" or first.startswith("I'") or not first[1:].islower():
        return text
    return text[0].lower() + text[1:]
