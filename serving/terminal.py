"""``philharmonic chat``: a conversation in the terminal."""

import json
from typing import Any

import httpx
from rich.console import Console

from agents.errors import EngineUnavailable, PhilharmonicError
from serving.gateway.schemas import NEW


def converse(url: str, model: str, headers: dict[str, str], console: Console) -> None:
    """Read lines until end of file and print each answer as it streams, with who gave it.

    Args:
        headers: what lets us in, if keys are asked for.
    """
    conversation_id = NEW
    with httpx.Client(base_url=url, timeout=300, headers=headers) as http:
        while True:
            try:
                said = console.input("[bold cyan]you>[/] ").strip()
            except (EOFError, KeyboardInterrupt):
                console.print()
                return
            if said:
                conversation_id = _turn(http, model, conversation_id, said, console)


def _turn(http: httpx.Client, model: str, conversation_id: str, said: str, console: Console) -> str:
    body = {
        "model": model,
        "conversation_id": conversation_id,
        "messages": [{"role": "user", "content": said}],
        "stream": True,
    }
    try:
        with http.stream("POST", "/v1/chat/completions", json=body) as response:
            if response.status_code != 200:
                document = json.loads(response.read())
                console.print(f"[red]{document['error']['message']}[/]", highlight=False)
                return conversation_id
            whole = True
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    whole &= _show(json.loads(line[6:]), console)
            console.print()
            # What fails is not stored, and the first turn's conversation not begun.
            return response.headers["x-philharmonic-conversation-id"] if whole else conversation_id
    except httpx.ConnectError:
        raise EngineUnavailable(
            f"no server at {http.base_url}; start one with: philharmonic serve"
        ) from None
    except httpx.HTTPError as error:
        raise PhilharmonicError(f"the connection broke off: {error!r}") from None


def _show(chunk: dict[str, Any], console: Console) -> bool:
    """Print one event of a stream; False if it is an error, which is the last."""
    if "error" in chunk:
        console.print(f"[red]{chunk['error']['message']}[/]", highlight=False)
        return False
    if "philharmonic" in chunk:
        console.print(f"[bold green]{chunk['philharmonic']['model']}>[/] ", end="")
    for choice in chunk["choices"]:
        text = choice["delta"].get("content") or ""
        console.print(text, end="", markup=False, highlight=False)
    return True
