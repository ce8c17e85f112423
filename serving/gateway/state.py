"""What the endpoints share."""

from dataclasses import dataclass, field
from typing import Annotated, cast
from weakref import WeakValueDictionary

from fastapi import Depends, Request

from agents.registry import Registry
from agents.settings import Settings
from serving.dispatch import Dispatcher
from serving.engines import Engines
from serving.gateway.admission import Admission
from serving.gateway.conversation_queue import ConversationQueue
from serving.gateway.drain import Drain
from serving.gateway.metrics import Metrics
from serving.graph import ConversationGraph
from serving.keys import KeyRing
from serving.lineup import Lineup
from serving.routers import RouterSwitch


@dataclass(frozen=True)
class GatewayState:
    """Everything an endpoint may need; made once, when the app starts."""

    settings: Settings
    registry: Registry
    lineup: Lineup
    engines: Engines
    routers: RouterSwitch
    dispatcher: Dispatcher
    graph: ConversationGraph
    admission: Admission
    keys: KeyRing
    metrics: Metrics
    drain: Drain = field(default_factory=Drain)
    _queues: WeakValueDictionary[str, ConversationQueue] = field(
        default_factory=WeakValueDictionary
    )

    def is_ready(self) -> bool:
        """Whether a chat would succeed now, with any live agent that an engine accepts."""
        engines = self.engines
        is_complete = self.lineup.is_complete(engines.loaded, engines.refused)
        return is_complete and not self.drain.begun

    def conversation(self, conversation_id: str) -> ConversationQueue:
        """Where turns of one stored conversation wait for each other."""
        queue = self._queues.get(conversation_id)
        if queue is None:
            self._queues[conversation_id] = queue = ConversationQueue(self.admission)
        return queue


def _state_of(request: Request) -> GatewayState:
    return cast(GatewayState, request.app.state.gateway)


State = Annotated[GatewayState, Depends(_state_of)]
"""An endpoint's parameter that receives the app's state."""
