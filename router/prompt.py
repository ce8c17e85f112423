"""The label-read prompt: plain text, the same for training and for serving.

::

    [home]
    earlier: CREATE TABLE orders (id INTEGER, … how many orders?
    user: switch on the lamp in the hall
    assistant: {"action": "turn_on", "device": "light", "room": "hall", "value": null}
    user: and the one upstairs
    agent:

The one token that follows names the agent.
"""

from collections.abc import Mapping, Sequence
from string import ascii_letters

from agents.errors import RouterError
from agents.prompt import only_text
from router.turns import RoutingTurn

#: How much of a conversation decides who answers: utterances, and characters of each.
UTTERANCES = 4
CHARACTERS = 240
EARLIER_CHARACTERS = 160

#: Before them only what the user asked, in a few words: a turn may return to any of it.
EARLIER_REQUESTS = 4
REQUEST_CHARACTERS = 60

_NOBODY = "none"


def render_prompt(turn: RoutingTurn) -> str:
    """The text whose next token is the label of the agent that should answer ``turn``."""
    *recent, last = turn.messages[-UTTERANCES:]
    requests = [m.content for m in turn.messages[:-UTTERANCES] if m.role == "user"]
    lines = [
        f"[{turn.current or _NOBODY}]",
        *(_line("earlier", text, REQUEST_CHARACTERS) for text in requests[-EARLIER_REQUESTS:]),
        *(_line(message.role, message.content, EARLIER_CHARACTERS) for message in recent),
        _line(last.role, last.content, CHARACTERS),
        "agent:",
    ]
    return "\n".join(lines)


def labels_for(agents: Sequence[str]) -> Mapping[str, str]:
    """One label for each agent, in the agents' order: ``" A"``, ``" B"`` and on.

    Raises:
        RouterError: there are more agents than letters.
    """
    if len(agents) > len(ascii_letters):
        raise RouterError(f"{len(agents)} agents; a label read tells {len(ascii_letters)} apart")
    letters = sorted(ascii_letters)
    return {agent: f" {letter}" for agent, letter in zip(agents, letters, strict=False)}


def _line(speaker: str, text: str, characters: int) -> str:
    return f"{speaker}: {_shorten(' '.join(only_text(text).split()), characters)}"


def _shorten(text: str, characters: int) -> str:
    """Keep head and tail: requests stand at either end, what is pasted in between."""
    if len(text) <= characters:
        return text
    tail = characters * 2 // 5
    return f"{text[: characters - tail - 3]} … {text[-tail:]}"
