"""Decide who answers a turn, given what is live and what was said."""

from collections.abc import Sequence

from agents.errors import RouterError
from agents.registry import Version
from router.router import Decision
from router.turns import RoutingTurn
from serving.attribution import Attribution
from serving.lineup import Lineup
from serving.reconciler import Reconciler
from serving.routers import RouterSwitch
from serving.tracing import span
from serving.turn import Exchange, Route, Turn, messages_of

#: How many turns of a history nobody remembers are routed again to find the current agent.
_REROUTED_TURNS = 6


class Dispatcher:
    """Pins or routes a turn to a live version that the engine can serve now."""

    def __init__(self, routers: RouterSwitch, lineup: Lineup, reconciler: Reconciler) -> None:
        self._routers = routers
        self._lineup = lineup
        self._reconciler = reconciler
        self._attribution = Attribution()

    async def route(self, turn: Turn, history: Sequence[Exchange]) -> Route:
        """Who answers ``turn``.

        Raises:
            RegistryError: the pinned agent is not live.
            EngineUnavailable: the agent is live, but the engine does not have it yet.
        """
        if turn.pinned is not None:
            return Route(self._version(turn.pinned), None)
        decision = await self.decide(history, turn.user)
        return Route(self._version(self._live_choice(decision)), decision)

    async def decide(self, history: Sequence[Exchange], user: str) -> Decision:
        """The router's decision for a message that follows ``history``."""
        if any(exchange["agent"] is None for exchange in history):
            raise RouterError("a history must be attributed before it is routed")
        current = history[-1]["agent"] if history else None
        # A router that was published takes over between two turns, never within one.
        self._routers.settle(self._lineup, self._reconciler.loaded)
        with span("route") as trace:
            turn = RoutingTurn(messages_of(history, user), current)
            decision = await self._routers.router.route(turn)
            trace.set(
                philharmonic__route__agent=decision.agent,
                philharmonic__route__stage=decision.stage,
                philharmonic__route__confidence=decision.confidence,
            )
        return decision

    async def attribute(self, history: Sequence[Exchange]) -> list[Exchange]:
        """A client's history with the agent of every turn: remembered, or routed again."""
        known = self._attribution.recall(history)
        attributed: list[Exchange] = []
        for position, exchange in enumerate(known):
            agent = exchange["agent"]
            forgotten = agent is None and position >= len(known) - _REROUTED_TURNS
            if forgotten:
                agent = (await self.decide(attributed, exchange["user"])).agent
            attributed.append({**exchange, "agent": agent or self._routers.router.spec.fallback})
            if forgotten:
                self._attribution.remember(attributed)
        return attributed

    def remember(self, exchanges: Sequence[Exchange]) -> None:
        """Remember who answered the last turn of a conversation."""
        self._attribution.remember(exchanges)

    def _live_choice(self, decision: Decision) -> str:
        """The decision's agent or, if it cannot be served, the likeliest that can."""
        live = self._lineup.servable(self._reconciler.loaded, self._reconciler.refused)
        if decision.agent in live or not live:
            return decision.agent
        return max(live, key=lambda agent: decision.probabilities.get(agent, 0.0))

    def _version(self, agent: str) -> Version:
        reconciler = self._reconciler
        return self._lineup.version_for(agent, reconciler.loaded, reconciler.refused)
