"""Decide who answers a turn, given what is live and what was said."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from agents.errors import EngineUnavailable, RegistryError, RouterError
from agents.registry import Version
from router.requests import Requests, propose_cut, route_requests
from router.router import Decision
from router.split import Cut
from router.turns import RoutingTurn
from serving.attribution import Attribution
from serving.engines import Engines
from serving.lineup import Lineup
from serving.reply import answers_in, headings
from serving.routers import RouterSwitch
from serving.tracing import span
from serving.turn import Exchange, Part, Route, Turn, messages_of, said_singly

#: How many turns of a history nobody remembers are routed again to find the current agent.
_REROUTED_TURNS = 6


class Dispatcher:
    """Pins or routes a turn to a live version that an engine can serve now."""

    def __init__(self, routers: RouterSwitch, lineup: Lineup, engines: Engines) -> None:
        self._routers = routers
        self._lineup = lineup
        self._engines = engines
        self._attribution = Attribution()

    async def route(
        self,
        turn: Turn,
        history: Sequence[Exchange],
        on_likely: Callable[[Part], object] | None = None,
    ) -> Route:
        """Who answers ``turn``.

        Args:
            on_likely: told who will probably answer, before the wait for a label read begins.

        Raises:
            RegistryError: the pinned agent is not live.
            EngineUnavailable: the agent is live, but no engine has it yet.
        """
        if turn.pinned is not None:
            return Route((Part(turn.user, self._version(turn.pinned), None),))
        started = time.perf_counter()
        asked = self._asked(history, turn.user)
        cut = self._cut(asked)
        if on_likely is not None and cut is None:
            likely = self._routers.router.likely(asked)
            with suppress(RegistryError, EngineUnavailable):
                if likely is not None:
                    on_likely(Part(turn.user, self._version(likely), None))
        requests = await self._requests(asked, cut)
        return Route(self._parts(turn, requests), (time.perf_counter() - started) * 1000)

    async def decide(self, history: Sequence[Exchange], user: str) -> Requests:
        """The router's decision for a message that follows ``history``."""
        asked = self._asked(history, user)
        return await self._requests(asked, self._cut(asked))

    async def attribute(self, history: Sequence[Exchange]) -> list[Exchange]:
        """A client's history with the agent of every turn: remembered, or routed again."""
        known = self._attribution.recall(history)
        attributed: list[Exchange] = []
        for position, exchange in enumerate(known):
            forgotten = exchange["agent"] is None
            if forgotten and position >= len(known) - _REROUTED_TURNS:
                exchange = await self._routed_again(exchange, attributed)
                self._attribution.remember([*attributed, exchange])
            elif forgotten:
                exchange = {**exchange, "agent": self._routers.router.spec.fallback}
            attributed.append(exchange)
        return attributed

    def remember(self, exchanges: Sequence[Exchange]) -> None:
        """Remember who answered the last turn of a conversation."""
        self._attribution.remember(exchanges)

    async def _routed_again(self, exchange: Exchange, before: Sequence[Exchange]) -> Exchange:
        """An exchange of nobody known, with who would have answered it."""
        requests = await self.decide(before, exchange["user"])
        asked = [(request.text, request.decision.agent) for request in requests.parts]
        answers = answers_in(exchange["assistant"], headings(asked))
        if not answers:
            return {**exchange, "agent": requests.whole.agent}
        parts = [
            Exchange(user=text, assistant=answer, agent=agent, model=None)
            for (text, agent), answer in zip(asked, answers, strict=True)
        ]
        return {**exchange, "agent": "+".join(agent for _, agent in asked), "parts": parts}

    def _asked(self, history: Sequence[Exchange], user: str) -> RoutingTurn:
        """A message that follows ``history``, as the router is asked about it."""
        said = said_singly(history)
        if any(exchange["agent"] is None for exchange in said):
            raise RouterError("a history must be attributed before it is routed")
        # A router that was published takes over between two turns, never within one.
        self._routers.settle(self._lineup, self._engines.loaded)
        return RoutingTurn(messages_of(said, user), said[-1]["agent"] if said else None)

    async def _requests(self, asked: RoutingTurn, cut: Cut | None) -> Requests:
        router, splitter = self._routers.router, self._routers.splitter
        with span("route") as trace:
            requests = await route_requests(router, splitter, asked, cut)
            trace.set(
                philharmonic__route__agent="+".join(requests.agents),
                philharmonic__route__stage=requests.whole.stage,
                philharmonic__route__confidence=requests.whole.confidence,
            )
        return requests

    def _cut(self, asked: RoutingTurn) -> Cut | None:
        splitter = self._routers.splitter
        return None if splitter is None else propose_cut(self._routers.router, splitter, asked)

    def _parts(self, turn: Turn, requests: Requests) -> tuple[Part, ...]:
        parts = tuple(self._part(each.text, each.decision) for each in requests.parts)
        # Where an agent is out of service, one that stands in for it may answer everything.
        if len({part.agent for part in parts}) > 1:
            return parts
        return (self._part(turn.user, requests.whole),)

    def _part(self, user: str, decision: Decision) -> Part:
        return Part(user, self._version(self._live_choice(decision)), decision)

    def _live_choice(self, decision: Decision) -> str:
        """The decision's agent or, if it cannot be served, the likeliest that can."""
        live = self._lineup.servable(self._engines.loaded, self._engines.refused)
        if decision.agent in live or not live:
            return decision.agent
        return max(live, key=lambda agent: decision.probabilities.get(agent, 0.0))

    def _version(self, agent: str) -> Version:
        engines = self._engines
        return self._lineup.version_for(agent, engines.loaded, engines.refused)
