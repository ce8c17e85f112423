"""The conversation graph: *route → answer → save*.

A stored conversation is a LangGraph thread with a SQLite checkpointer: its exchanges are the
state, written once, when the turn is complete. A turn without a stored conversation runs through
the same graph without a checkpointer, with the history it brought along.
"""

import operator
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, cast

from langgraph.channels import UntrackedValue
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from serving.answer import Answerer
from serving.dispatch import Dispatcher
from serving.turn import Exchange, Route, Turn


class State(TypedDict):
    """What flows through the graph; only ``exchanges`` is stored."""

    exchanges: Annotated[list[Exchange], operator.add]
    route: Annotated[Route, UntrackedValue(Route)]
    completion: Annotated[dict[str, Any], UntrackedValue(dict)]


@dataclass(frozen=True)
class Answered:
    """A finished turn: who answered, and vLLM's completion."""

    route: Route
    completion: dict[str, Any]


class ConversationGraph:
    """Runs turns; see the module's text."""

    def __init__(
        self, dispatcher: Dispatcher, answerer: Answerer, checkpointer: BaseCheckpointSaver[Any]
    ) -> None:
        self._dispatcher = dispatcher
        self._answerer = answerer
        self._checkpointer = checkpointer
        graph = StateGraph(State, context_schema=Turn)
        graph.add_node("route", self._route)
        graph.add_node("answer", self._answer)
        graph.add_node("save", self._save)
        graph.add_edge(START, "route")
        graph.add_edge("route", "answer")
        graph.add_edge("answer", "save")
        graph.add_edge("save", END)
        self._stateless = graph.compile()
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
        """
        if conversation_id is None and turn.pinned is not None:
            # Nothing to decide and nothing to store: the graph would only cost its own time,
            # which is most of what the gateway adds (docs/log.md).
            async with aclosing(self._pinned(turn, history)) as pinned:
                async for event in pinned:
                    yield event
            return
        stream = self._stateless.astream(
            cast(State, {"exchanges": list(history)}),
            context=turn,
            stream_mode=["custom", "values"],
        )
        if conversation_id is not None:
            # Written once, at the end: a turn is stored whole or not at all.
            stream = self._stored.astream(
                cast(State, {"exchanges": []}),
                {"configurable": {"thread_id": conversation_id}},
                context=turn,
                stream_mode=["custom", "values"],
                durability="exit",
            )
        state: dict[str, Any] = {}
        async with aclosing(cast(AsyncGenerator[tuple[str, Any]], stream)) as updates:
            async for mode, event in updates:
                if mode == "custom":
                    yield event
                else:
                    state = event
        yield Answered(state["route"], state["completion"])

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
        yield route
        if turn.stream:
            chunks = []
            async with aclosing(self._answerer.chunks(turn, route, history)) as arriving:
                async for chunk in arriving:
                    chunks.append(chunk)
                    yield chunk
            completion = joined(chunks)
        else:
            completion = await self._answerer.whole(turn, route, history)
        self._dispatcher.remember([*history, _exchange(turn, route, completion)])
        yield Answered(route, completion)

    async def _route(self, state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
        route = await self._dispatcher.route(runtime.context, state["exchanges"])
        runtime.stream_writer(route)
        return {"route": route}

    async def _answer(self, state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
        turn, route = runtime.context, state["route"]
        if not turn.stream:
            return {"completion": await self._answerer.whole(turn, route, state["exchanges"])}
        chunks: list[dict[str, Any]] = []
        async with aclosing(self._answerer.chunks(turn, route, state["exchanges"])) as arriving:
            async for chunk in arriving:
                chunks.append(chunk)
                runtime.stream_writer(chunk)
        return {"completion": joined(chunks)}

    async def _save(self, state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
        exchange = _exchange(runtime.context, state["route"], state["completion"])
        self._dispatcher.remember([*state["exchanges"], exchange])
        return {"exchanges": [exchange]}


def _exchange(turn: Turn, route: Route, completion: dict[str, Any]) -> Exchange:
    return Exchange(
        user=turn.user,
        assistant=str(completion["choices"][0]["message"]["content"] or ""),
        agent=route.agent,
        model=route.version.model,
    )


def joined(chunks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The completion that a stream's chunks add up to (text and usage)."""
    parts = [
        choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]
    ]
    usage = next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None)
    message = {"role": "assistant", "content": "".join(parts)}
    return {"choices": [{"message": message}], "usage": usage}
