"""Composes one customer message from a situation, a tone and a length."""

import random
import re
from collections.abc import Sequence

from agents.triage.data import tones
from agents.triage.data.grammar import WORDS, expand
from agents.triage.data.labels import Label
from agents.triage.data.noise import roughen
from agents.triage.data.situations import Situation

_CARRIABLE = ("I ", "I'", "my ", "the ", "there", "someone", "a ", "our ")
_QUESTION = ("have you", "could you", "how ", "can you")


def choose_sentiment(situation: Situation, rng: random.Random) -> str:
    """The situation's own sentiment, or a drawn one for problems and questions."""
    if situation.sentiment:
        return situation.sentiment
    if situation.priority in ("urgent", "high"):
        return rng.choices(["neutral", "negative", "positive"], [52, 46, 2])[0]
    return rng.choices(["neutral", "negative", "positive"], [54, 33, 13])[0]


def compose(situation: Situation, rng: random.Random, lengths: Sequence[int]) -> tuple[str, Label]:
    """A message and its label; `lengths` weighs short, medium and long."""
    sentiment = choose_sentiment(situation, rng)
    if situation.priority == "urgent" and sentiment == "positive":
        sentiment = "neutral"
    length = rng.choices(("short", "medium", "long"), lengths)[0]
    parts = _body(situation, sentiment, length, rng)
    text = roughen(_frame(parts, sentiment, length, rng), sentiment, rng)
    return text, Label(situation.category, situation.priority, sentiment)


def as_sentence(situation: Situation, rng: random.Random, carried: bool = True) -> str:
    """The situation alone, capitalised and closed."""
    text = expand(situation.pattern, rng)
    end = "?" if text.startswith(_QUESTION) else "."
    if carried and text.startswith(_CARRIABLE) and rng.random() < 0.25:
        text = rng.choice(tones.CARRIERS) + text
    return text[0].upper() + text[1:].rstrip(".") + end


def _tone(situation: Situation, sentiment: str) -> str:
    """The key of the openers and closers that fit."""
    if situation.category == "feedback" and sentiment != "negative":
        return "praise" if sentiment == "positive" else "idea"
    if situation.priority != "urgent":
        return sentiment
    return "panic" if sentiment == "negative" else "urgent"


def _body(situation: Situation, sentiment: str, length: str, rng: random.Random) -> list[str]:
    tone = _tone(situation, sentiment)
    opener, closer = _tone_pair(tone, length, rng, fixed=situation.sentiment is not None)
    before, after = _context(situation, rng) if length == "long" else ("", "")
    request = _request(situation, rng) if length != "short" and rng.random() < 0.7 else ""
    sentence = as_sentence(situation, rng, carried=not before.endswith(":"))
    if situation.priority == "urgent":
        return [opener, sentence, after, closer]
    if tone == "negative" and rng.random() < 0.4:
        return [before, sentence, after, opener, request, closer]
    return [opener, before, sentence, after, request, closer]


def _tone_pair(tone: str, length: str, rng: random.Random, fixed: bool) -> tuple[str, str]:
    opener = expand(rng.choice(tones.OPENERS[tone]), rng)
    closer = expand(rng.choice(tones.CLOSERS[tone]), rng)
    if length != "short":
        return opener, closer
    if fixed or tone in ("neutral", "urgent"):
        return "", ""
    if rng.random() < 0.6 or not closer:
        return opener, ""
    return "", closer


def _context(situation: Situation, rng: random.Random) -> tuple[str, str]:
    """What is said before and after the matter itself."""
    if situation.priority == "urgent":
        return "", expand(rng.choice(tones.EMERGENCY_DETAILS), rng)
    denied = rng.choice(tones.DENIED[situation.category])
    if situation.category == "feedback":
        return rng.choice(tones.IMPRESSIONS), denied
    before = expand(rng.choice(tones.IDENTITY), rng)
    after = expand(rng.choice(tones.DETAILS), rng)
    if rng.random() < 0.35:
        before = " ".join([before, _past_matter(situation.category, rng)])
    return before, denied if rng.random() < 0.25 else after


def _past_matter(category: str, rng: random.Random) -> str:
    other = rng.choice([name for name in tones.PAST if name != category])
    return f"{expand(rng.choice(tones.PAST[other]), rng)} {rng.choice(tones.NOW)}".strip()


def _request(situation: Situation, rng: random.Random) -> str:
    if situation.category == "feedback":
        kind = "feedback"
    elif "please" in situation.pattern:
        kind = "confirm"
    elif "I'd like to know" in situation.pattern:
        kind = "answer"
    else:
        kind = "ask" if situation.is_request else "problem"
    return rng.choice(tones.REQUESTS[kind])


def _frame(parts: list[str], sentiment: str, length: str, rng: random.Random) -> str:
    body = " ".join(part for part in parts if part)
    chance = {"short": 0.2, "medium": 0.4, "long": 0.75}[length]
    as_mail = length == "long" and rng.random() < 0.5
    if rng.random() < chance:
        greeting = rng.choice(tones.GREETINGS)
        body = f"{greeting}\n\n{body}" if as_mail else f"{greeting} {body}"
    if rng.random() < chance * 0.7:
        body += _sign_off(sentiment, rng, "\n" if as_mail else " ")
    return re.sub(r" +", " ", body)


def _sign_off(sentiment: str, rng: random.Random, gap: str) -> str:
    phrase = rng.choice(tones.SIGN_OFFS["cold" if sentiment == "negative" else "plain"])
    first, last = rng.choice(WORDS["name"]), rng.choice(WORDS["surname"])
    name = rng.choice([first, f"{first} {last}", f"{first[0]}. {last}"])
    return f"{gap}{phrase}{gap}{name}" if phrase else f"{gap}{name}"
