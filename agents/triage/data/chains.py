"""Conversations: the customer writes again and the label follows."""

import random
from dataclasses import replace

from agents.triage.data import followups
from agents.triage.data.grammar import expand
from agents.triage.data.labels import Label, Turn, worse
from agents.triage.data.messages import as_sentence, compose
from agents.triage.data.noise import roughen
from agents.triage.data.situations import Situation

_SHORT = (6, 3, 1)


def make_chain(situations: dict[str, list[Situation]], rng: random.Random) -> list[Turn]:
    """Two or three turns. The newest matter sets the category; priority only falls when the
    matter is settled or replaced by another wish."""
    problems = [s for c, found in situations.items() if c != "feedback" for s in found]
    first = rng.choice([s for s in problems if s.priority != "urgent"])
    text, label = compose(first, rng, _SHORT)
    turns = [Turn(text, label)]
    moves = [_detail, _anger, _settled, _danger, _leaving, _another]
    weights = [4, 3, 4, 3, 2, 5]
    if rng.random() < 0.25:
        turns.append(_detail(turns[-1].label, problems, rng))
    turns.append(rng.choices(moves, weights)[0](turns[-1].label, problems, rng))
    return turns


def _detail(label: Label, _: list[Situation], rng: random.Random) -> Turn:
    return Turn(roughen(expand(rng.choice(followups.DETAIL), rng), "neutral", rng), label)


def _anger(label: Label, _: list[Situation], rng: random.Random) -> Turn:
    text = expand(rng.choice(followups.ANGER), rng)
    return Turn(roughen(text, "negative", rng), replace(label, sentiment="negative"))


def _settled(label: Label, _: list[Situation], rng: random.Random) -> Turn:
    text = roughen(expand(rng.choice(followups.SETTLED), rng), "positive", rng)
    return Turn(text, Label(label.category, "low", "positive"))


def _danger(_: Label, __: list[Situation], rng: random.Random) -> Turn:
    category, sentiment, pattern = rng.choice(followups.DANGER)
    text = roughen(expand(pattern, rng), "neutral", rng)
    return Turn(text, Label(category, "urgent", sentiment))


def _leaving(label: Label, _: list[Situation], rng: random.Random) -> Turn:
    sentiment, pattern = rng.choice(followups.LEAVING)
    text = roughen(expand(pattern, rng), "neutral", rng)
    return Turn(text, Label("cancellation", "normal", sentiment or label.sentiment))


def _another(label: Label, problems: list[Situation], rng: random.Random) -> Turn:
    pool = [s for s in problems if s.category != label.category and s.priority != "urgent"]
    situation = rng.choice(pool)
    sentence = as_sentence(situation, rng, carried=False)
    text = f"{rng.choice(followups.ANOTHER)} {sentence}"
    priority = worse(label.priority, situation.priority)
    # Praise belongs to the message it came with; anger lasts until something is settled.
    sentiment = "negative" if label.sentiment == "negative" else "neutral"
    return Turn(roughen(text, "neutral", rng), Label(situation.category, priority, sentiment))
