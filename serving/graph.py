"""The conversation graph: *route → answer → save*.

A stored conversation is a LangGraph thread with a SQLite checkpointer: its exchanges are the
state, written once, when the turn is complete. Until then a turn of a stored conversation is like
any other: it runs with its history and writes nothing, so one that fails leaves no trace.

A turn may hold two requests: each is answered by its own agent, side by side, in one reply.
"""

import asyncio
import operator
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, cast

from langgraph.channels import UntrackedValue
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from serving import reply
from serving.answer import Answerer
from serving.dispatch import Dispatcher
from serving.turn import Exchange, Part, Route, Turn
from serving.under_way import UnderWay, joined


@dataclass(frozen=True)
class Answered:
    """A finished turn.

    Attributes:
        answers: vLLM's completion for each part of the route.
        completion: the reply they make (`serving.reply`).
    """

    route: Route
    answers: Sequence[dict[str, Any]]
    completion: dict[str, Any]


class State(TypedDict):
    """What flows through the graph; only ``exchanges`` is stored."""

    exchanges: Annotated[list[Exchange], operator.add]
    route: Annotated[Route, UntrackedValue(Route)]
    answered: Annotated[Answered, UntrackedValue(Answered)]


class ConversationGraph:
    """Runs turns; see the module's text.

    Args:
        speculate: begin the likely agent's answer while the router LLM is asked; nothing of it
            is given out before the decision.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        answerer: Answerer,
        checkpointer: BaseCheckpointSaver[Any],
        speculate: bool,
    ) -> None:
        self._dispatcher = dispatcher
        self._answerer = answerer
        self._checkpointer = checkpointer
        self._speculate = speculate
        graph = StateGraph(State, context_schema=UnderWay)
        graph.add_node("route", self._route)
        graph.add_node("answer", self._answer)
        graph.add_node("save", self._save)
        graph.add_edge(START, "route")
        graph.add_edge("route", "answer")
        graph.add_edge("answer", "save")
        graph.add_edge("save", END)
        self._unstored = graph.compile()
        self._stored = graph.compile(checkpointer=checkpointer)

    async def run(
        self, turn: Turn, history: Sequence[Exchange], conversation_id: str | None
    ) -> Answered:
        """One turn from question to saved answer."""
        events = self.events(turn, history, conversation_id)
        return [event async for event in events if isinstance(event, Answered)][-1]

    async def events(
        self, turn: Turn, history: Sequence[Exchange], conversation_id: str | None
    ) -> AsyncGenerator[Route | dict[str, Any] | Answered]:
        """One turn as it happens: the `Route`, each chunk if ``turn.stream``, then `Answered`.

        Closing the iterator cancels the work on the engine; nothing is saved then.

        Args:
            history: what was said before; of a stored conversation, its exchanges.
            conversation_id: where the turn is stored, if it is to be.
        """
        if conversation_id is None and turn.pinned is not None:
            # Nothing to decide and nothing to store: the graph would only cost its own time,
            # which is most of what the gateway adds (docs/log.md).
            async with aclosing(self._pinned(turn, history)) as pinned:
                async for event in pinned:
                    yield event
            return
        async with (
            UnderWay(self._answerer, turn) as under_way,
            aclosing(self._updates(under_way, history)) as updates,
        ):
            async for mode, event in updates:
                if mode == "custom":
                    yield event
                else:
                    state: State = event
        if conversation_id is not None:
            await self._store(conversation_id, state["exchanges"][-1])
        yield state["answered"]

    def _updates(
        self, under_way: UnderWay, history: Sequence[Exchange]
    ) -> AsyncGenerator[tuple[str, Any]]:
        """What the graph's nodes write, as ``custom``, and its state after each as ``values``."""
        stream = self._unstored.astream(
            cast(State, {"exchanges": list(history)}),
            context=under_way,
            stream_mode=["custom", "values"],
        )
        return cast(AsyncGenerator[tuple[str, Any]], stream)

    async def _store(self, conversation_id: str, exchange: Exchange) -> None:
        """Append to a conversation, in one transaction: a turn is stored whole or not at all."""
        thread = {"thread_id": conversation_id}
        update = self._stored.aupdate_state(
            {"configurable": thread}, {"exchanges": [exchange]}, as_node="save"
        )
        storing = asyncio.create_task(update)
        try:
            await asyncio.shield(storing)
        finally:
            # Cancelled in between, it would leave its transaction open, and the conversation
            # to the next turn before it has this one.
            await asyncio.wait({storing})

    async def exchanges(self, conversation_id: str) -> list[Exchange]:
        """What a stored conversation holds; empty if there is none with this id."""
        snapshot = await self._stored.aget_state({"configurable": {"thread_id": conversation_id}})
        return cast(list[Exchange], snapshot.values.get("exchanges", []))

    async def delete(self, conversation_id: str) -> None:
        """Forget a stored conversation."""
        await self._checkpointer.adelete_thread(conversation_id)

    async def _pinned(
        self, turn: Turn, history: Sequence[Exchange]
    ) -> AsyncGenerator[Route | dict[str, Any] | Answered]:
        route = await self._dispatcher.route(turn, history)
        (part,) = route.parts
        yield route
        if turn.stream:
            chunks = []
            async with aclosing(self._answerer.chunks(turn, part, history)) as arriving:
                async for chunk in arriving:
                    chunks.append(chunk)
                    yield chunk
            completion = joined(chunks)
        else:
            completion = await self._answerer.whole(turn, part, history)
        self._dispatcher.remember([*history, reply.exchange_of(turn, route, [completion])])
        yield Answered(route, [completion], completion)

    async def _route(self, state: State, runtime: Runtime[UnderWay]) -> dict[str, Any]:
        under_way, history = runtime.context, state["exchanges"]

        def begin(likely: Part) -> None:
            under_way.begin(likely, history)

        on_likely = begin if self._speculate else None
        route = await self._dispatcher.route(under_way.turn, history, on_likely)
        route = await under_way.settle(route, history)
        runtime.stream_writer(route)
        return {"route": route}

    async def _answer(self, state: State, runtime: Runtime[UnderWay]) -> dict[str, Any]:
        under_way, route = runtime.context, state["route"]
        if under_way.turn.stream:
            async with aclosing(reply.streamed(route, under_way.answers)) as chunks:
                async for chunk in chunks:
                    runtime.stream_writer(chunk)
        answers = [await answering.completion() for answering in under_way.answers]
        return {"answered": Answered(route, answers, reply.whole(route, answers))}

    async def _save(self, state: State, runtime: Runtime[UnderWay]) -> dict[str, Any]:
        answers = state["answered"].answers
        exchange = reply.exchange_of(runtime.context.turn, state["route"], answers)
        self._dispatcher.remember([*state["exchanges"], exchange])
        return {"exchanges": [exchange]}
