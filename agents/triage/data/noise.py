"""Makes clean text look typed by people in a hurry."""

import random
import re

from agents.triage.data.tones import CHAT_WORDS


def roughen(text: str, sentiment: str, rng: random.Random) -> str:
    """`text` as typed; about a quarter of all messages lose some polish."""
    draw = rng.random()
    if sentiment == "negative" and draw < 0.10:
        return _shout(text, rng)
    if draw < 0.17:
        return _chat(text, rng)
    if draw < 0.24:
        return _typos(text, rng)
    if draw < 0.26:
        return _drop_articles(text, rng)
    return text


def _shout(text: str, rng: random.Random) -> str:
    if rng.random() < 0.5:
        return text.upper().replace(".", rng.choice(["!", "!!", "."]))
    sentences = re.split(r"(?<=[.!?]) ", text)
    index = rng.randrange(len(sentences))
    sentences[index] = sentences[index].upper()
    return " ".join(sentences)


def _chat(text: str, rng: random.Random) -> str:
    words = [
        CHAT_WORDS.get(word, word) if rng.random() < 0.6 else word
        for word in text.replace("\n", " ").split()
    ]
    joined = re.sub(r" +", " ", " ".join(words)).lower()
    if rng.random() < 0.6:
        joined = re.sub(r"[.,!?;:]+(?= |$)", "", joined)
    return joined if rng.random() < 0.5 else _typos(joined, rng)


def _typos(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    long_words = [i for i, word in enumerate(words) if re.fullmatch(r"[a-z]{5,}", word)]
    for index in rng.sample(long_words, min(len(long_words), rng.randint(1, 3))):
        words[index] = _misspell(words[index], rng)
    return " ".join(words)


def _misspell(word: str, rng: random.Random) -> str:
    at = rng.randint(1, len(word) - 3)
    match rng.randint(0, 2):
        case 0:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 1:
            return word[:at] + word[at + 1 :]
        case _:
            return word[:at] + word[at] + word[at:]


def _drop_articles(text: str, rng: random.Random) -> str:
    without = re.sub(r"\b(?:the|an?) ", lambda m: "" if rng.random() < 0.6 else m[0], text)
    return without.replace("haven't", "have not").replace("can't", "can not")
