"""One reply out of the answers to a turn's requests.

A turn with one request gets its agent's answer as it is. With several, each answer stands under
a line that says who gave it, and to what::

    [home] lock the front door
    {"action": "lock", "device": "door", "room": "front", "value": null}

    [cron] run the backup at 3 every night
    0 3 * * *
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from serving.turn import Exchange, Route, Turn
from serving.under_way import Answering, Chunk, text_of

#: Characters of a request that are repeated in the line above its answer.
_LONGEST = 80


def headings(asked: Sequence[tuple[str, str]]) -> list[str]:
    """What stands before each answer, for each request's text and agent."""
    lines = [f"[{agent}] {_shorten(text)}\n" for text, agent in asked]
    return [line if number == 0 else f"\n\n{line}" for number, line in enumerate(lines)]


def whole(route: Route, answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The completion to send for the ``answers`` of the route's parts, in order."""
    if not route.is_split:
        return answers[0]
    texts = zip(_headings(route), map(content_of, answers), strict=True)
    choices = [answer["choices"][0] for answer in answers]
    choice = {
        **choices[0],
        "message": {**choices[0]["message"], "content": "".join(h + t for h, t in texts)},
        "finish_reason": _ended([choice.get("finish_reason") for choice in choices]),
    }
    logprobs = [choice["logprobs"] for choice in choices if choice.get("logprobs")]
    if logprobs:
        # Of the answers' tokens: a heading has none, nor has a fixed reply.
        found = [token for each in logprobs for token in each.get("content") or []]
        choice["logprobs"] = {**logprobs[0], "content": found}
    usage = _sum([answer.get("usage") for answer in answers])
    return {**answers[0], "model": route.model, "choices": [choice], "usage": usage}


async def streamed(route: Route, answers: Sequence[Answering]) -> AsyncGenerator[Chunk]:
    """The chunks to send: one answer after the other, while all of them are being made."""
    chunks = _several(route, answers) if route.is_split else answers[0].chunks()
    async with aclosing(chunks):
        async for chunk in chunks:
            yield chunk


async def _several(route: Route, answers: Sequence[Answering]) -> AsyncGenerator[Chunk]:
    """As of one answer: one id, one role, one reason to stop, and the usage in the end."""
    same: Chunk = {}
    for unsaid, answering in zip(_headings(route), answers, strict=True):
        async with aclosing(answering.chunks()) as chunks:
            async for chunk in chunks:
                said = text_of(chunk)
                if not (unsaid or said):
                    continue
                role = {} if same else {"role": "assistant"}
                same = same or {**chunk, "model": route.model, "usage": None}
                choice = chunk["choices"][0] | {"finish_reason": None}
                choice["delta"] = {**role, "content": unsaid + said}
                unsaid = ""
                yield {**same, "choices": [choice]}
    reply = whole(route, [await answering.completion() for answering in answers])
    end = {"index": 0, "delta": {}, "finish_reason": reply["choices"][0]["finish_reason"]}
    yield {**same, "choices": [end]}
    yield {**same, "choices": [], "usage": reply["usage"]}


def exchange_of(turn: Turn, route: Route, answers: Sequence[dict[str, Any]]) -> Exchange:
    """The turn as a conversation stores it."""
    parts = [
        Exchange(
            user=part.user,
            assistant=content_of(answer),
            agent=part.agent,
            model=part.version.model,
        )
        for part, answer in zip(route.parts, answers, strict=True)
    ]
    if not route.is_split:
        return parts[0]
    return Exchange(
        user=turn.user,
        assistant=content_of(whole(route, answers)),
        agent=route.agent,
        model=route.model,
        parts=parts,
    )


def answers_in(reply: str, lines: Sequence[str]) -> list[str]:
    """The answers in a reply whose `headings` are these; none if it is another one."""
    found: list[str] = []
    for line in lines:
        before, heading, reply = reply.partition(line)
        if not heading:
            return []
        found.append(before)
    return [*found[1:], reply] if found and not found[0] else []


def content_of(completion: dict[str, Any]) -> str:
    """The text of a completion."""
    return str(completion["choices"][0]["message"]["content"] or "")


def _headings(route: Route) -> list[str]:
    return headings([(part.user, part.agent) for part in route.parts])


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _ended(reasons: Sequence[str | None]) -> str | None:
    """Cut short if any of the answers was."""
    return "length" if "length" in reasons else reasons[-1]


def _sum(usages: Sequence[dict[str, Any] | None]) -> dict[str, int]:
    kinds = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {kind: sum((usage or {}).get(kind) or 0 for usage in usages) for kind in kinds}
