"""From the messages of a request to a turn and the history before it."""

from collections.abc import Sequence

from serving.gateway.errors import ApiError
from serving.gateway.schemas import AUTO, ChatMessage, ChatRequest
from serving.turn import Exchange, Turn


def turn_of(request: ChatRequest) -> Turn:
    """What the request wants answered."""
    return Turn(
        user=user_text(request.messages),
        system=system_text(request.messages),
        pinned=None if request.model == AUTO else request.model,
        sampling=request.sampling(),
        stream=request.stream,
    )


def system_text(messages: Sequence[ChatMessage]) -> str | None:
    """The caller's system messages as one, or None."""
    texts = [m.text for m in messages if m.role in ("system", "developer") and m.text.strip()]
    return "\n\n".join(texts) or None


def user_text(messages: Sequence[ChatMessage]) -> str:
    """What the user says after the last answer, as one text."""
    texts: list[str] = []
    for message in reversed(messages):
        if message.role == "assistant":
            break
        if message.role == "user":
            texts.insert(0, message.text)
    return "\n".join(texts)


def history_of(messages: Sequence[ChatMessage], agent: str | None) -> list[Exchange]:
    """The exchanges before the last user message; ``agent`` is who answered them, if known.

    Raises:
        ApiError: an answer stands where nothing was asked.
    """
    exchanges: list[Exchange] = []
    asked: list[str] = []
    for position, message in enumerate(messages):
        if message.role == "user":
            asked.append(message.text)
        elif message.role == "assistant":
            if asked:
                exchanges.append(
                    Exchange(user="\n".join(asked), assistant=message.text, agent=agent, model=None)
                )
            elif exchanges:
                exchanges[-1]["assistant"] += f"\n{message.text}"
            else:
                raise ApiError(
                    400,
                    f"messages.{position}: an assistant message needs a user message before it",
                    "invalid_value",
                    "messages",
                )
            asked = []
    return exchanges


def check_only_new(request_messages: Sequence[ChatMessage]) -> None:
    """With a stored conversation only what is new may be sent; it holds the rest itself."""
    if any(message.role == "assistant" for message in request_messages):
        raise ApiError(
            400,
            "with a conversation_id send only the new user message (and a system message if you "
            "want one): the history is stored here; to send a history yourself, leave out "
            "conversation_id",
            "invalid_value",
            "messages",
        )
