"""The requests of a message: usually one, sometimes two that different agents should answer.

The fast path proposes a cut (`router.split`); the router then decides both halves, and the
message as a whole, side by side. The cut is made when it is sure of two different agents.
"""

import asyncio
import dataclasses
from dataclasses import dataclass

from agents.data import Message
from router.combine import Array
from router.router import Decision, Router
from router.split import Cut, Splitter
from router.turns import RoutingTurn


@dataclass(frozen=True)
class Request:
    """A part of a message, and who should answer it."""

    text: str
    decision: Decision


@dataclass(frozen=True)
class Requests:
    """What a message asks for.

    Attributes:
        whole: the decision for the message as one request.
        parts: its requests, in order; empty when it is one.
    """

    whole: Decision
    parts: tuple[Request, ...] = ()

    @property
    def agents(self) -> tuple[str, ...]:
        """Who should answer, one for each request."""
        return tuple(part.decision.agent for part in self.parts) or (self.whole.agent,)


def propose_cut(router: Router, splitter: Splitter, turn: RoutingTurn) -> Cut | None:
    """Where the turn's message might be cut, by the fast path alone."""

    def glance(text: str) -> Array:
        return router.glance(saying(turn, text))

    return splitter.propose(turn.text, glance)


async def route_requests(
    router: Router, splitter: Splitter | None, turn: RoutingTurn, cut: Cut | None
) -> Requests:
    """Decide a turn whose message may be cut at ``cut``."""
    if cut is None or splitter is None:
        return Requests(await router.route(turn))
    whole, *halves = await asyncio.gather(
        router.route(turn),
        router.route(saying(turn, cut.left)),
        router.route(saying(turn, cut.right)),
    )
    agents = {half.agent for half in halves}
    sure = min(half.confidence for half in halves) >= splitter.spec.confidence
    if len(agents) < len(halves) or not sure:
        return Requests(whole)
    texts = (cut.left, cut.right)
    return Requests(whole, tuple(map(Request, texts, halves)))


def saying(turn: RoutingTurn, text: str) -> RoutingTurn:
    """The same turn, had the user said only ``text``."""
    messages = (*turn.messages[:-1], Message("user", text))
    return dataclasses.replace(turn, messages=messages)
