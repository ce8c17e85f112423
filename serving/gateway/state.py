"""What the endpoints share."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, cast
from weakref import WeakValueDictionary

from fastapi import Depends, Request

from agents.registry import Registry
from agents.settings import Settings
from serving.dispatch import Dispatcher
from serving.gateway.metrics import Metrics
from serving.graph import ConversationGraph
from serving.lineup import Lineup
from serving.reconciler import Reconciler
from serving.routers import RouterSwitch


@dataclass(frozen=True)
class GatewayState:
    """Everything an endpoint may need; made once, when the app starts."""

    settings: Settings
    registry: Registry
    lineup: Lineup
    reconciler: Reconciler
    routers: RouterSwitch
    dispatcher: Dispatcher
    graph: ConversationGraph
    metrics: Metrics = field(default_factory=Metrics)
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def is_ready(self) -> bool:
        """Whether a chat with any live agent would succeed now."""
        return self.lineup.is_complete(self.reconciler.loaded)

    def conversation_lock(self, conversation_id: str) -> asyncio.Lock:
        """Turns of one stored conversation wait for each other."""
        lock = self._locks.get(conversation_id)
        if lock is None:
            self._locks[conversation_id] = lock = asyncio.Lock()
        return lock


def _state_of(request: Request) -> GatewayState:
    return cast(GatewayState, request.app.state.gateway)


State = Annotated[GatewayState, Depends(_state_of)]
"""An endpoint's parameter that receives the app's state."""
