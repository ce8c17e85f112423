"""What callers may send; unknown parameters are refused by name, never ignored."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

#: The model name that asks for routing.
AUTO = "auto"
#: The conversation id that asks for a new stored conversation.
NEW = "new"


_LONGEST_NAME = 200
_LARGEST_INT = 2**63 - 1

Name = Annotated[str, Field(max_length=_LONGEST_NAME)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextPart(_Body):
    """A part of a message's content; text is the only kind the bases read."""

    type: Literal["text"]
    text: str


class ChatMessage(_Body):
    """One message; ``developer`` is OpenAI's newer word for ``system``."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]
    name: Name | None = None

    @property
    def text(self) -> str:
        """The content as one string."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


def _ends_with_the_user(messages: list[ChatMessage]) -> list[ChatMessage]:
    if messages[-1].role != "user":
        raise ValueError("the last message must be the user's, it is what gets answered")
    if not messages[-1].text.strip():
        raise ValueError("the last message is empty")
    return messages


Messages = Annotated[
    list[ChatMessage], Field(min_length=1, max_length=2000), AfterValidator(_ends_with_the_user)
]


class StreamOptions(_Body):
    """OpenAI's options of a stream."""

    include_usage: bool = False


class ChatRequest(_Body):
    """The body of ``POST /v1/chat/completions``."""

    model: Name = AUTO
    messages: Messages
    conversation_id: Name | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    max_tokens: Annotated[int | None, Field(ge=1, le=_LARGEST_INT)] = None
    max_completion_tokens: Annotated[int | None, Field(ge=1, le=_LARGEST_INT)] = None
    stop: Name | Annotated[list[Name], Field(max_length=16)] | None = None
    seed: Annotated[int | None, Field(ge=-_LARGEST_INT, le=_LARGEST_INT)] = None
    presence_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    frequency_penalty: Annotated[float | None, Field(ge=-2, le=2)] = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int | None, Field(ge=0, le=20)] = None
    n: Annotated[int | None, Field(ge=1, le=1)] = None
    user: Name | None = None

    def sampling(self) -> dict[str, Any]:
        """The sampling parameters the caller gave, as vLLM names them."""
        given = self.model_dump(include=_SAMPLING, exclude_none=True)
        if self.max_completion_tokens is not None:
            given["max_tokens"] = self.max_completion_tokens
        return given


_SAMPLING = {
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
}


class RouteRequest(_Body):
    """The body of ``POST /v1/route``."""

    messages: Messages
    conversation_id: Name | None = None


class ActivateRequest(_Body):
    """The body of ``POST /admin/agents/{name}/activate``."""

    version: Annotated[int, Field(ge=1, le=_LARGEST_INT)]
