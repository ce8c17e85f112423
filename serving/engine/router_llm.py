"""Any LLM as the router LLM: an OpenAI-compatible endpoint that gives log-probabilities.

It need not be trained for it: the agents' descriptions tell it who is there. It is a
`router.label_read.LabelReadEngine`, as our own engine with the router's adapter is.
"""

import math
from collections.abc import Mapping, Sequence

import httpx
import orjson
from pydantic import SecretStr

from agents.errors import EngineRejected, EngineUnavailable
from router.prompt import labels_for
from serving.own_time import EngineWait

_FLOOR = math.log(1e-6)
_TOP_LOGPROBS = 20

_INSTRUCTIONS = """\
You dispatch the turns of a conversation to agents. Who should answer the user's last message?

{agents}

In brackets stands the agent that answered the message before (none: there was no message before). \
A follow-up to it stays with that agent. What fits no agent goes to {fallback}. Reply with the \
agent's letter and nothing else."""


class RouterLLMEndpoint:
    """A chat model at an endpoint; see the module's text.

    Args:
        url: the endpoint, ``/v1`` included.
        model: its name of the model.
    """

    def __init__(self, url: str, model: str, key: SecretStr | None) -> None:
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        headers = {"content-type": "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key.get_secret_value()}"
        # Who asks sets the limit of time (`router.guard`).
        self._http = httpx.AsyncClient(headers=headers, timeout=None)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def told_of(self, agents: Mapping[str, str], fallback: str) -> "ZeroShotRouterLLM":
        """A label-read engine for these agents (name -> description)."""
        labels = labels_for(list(agents)).values()
        lines = [
            f"{label.strip()}: {name}. {description}"
            for label, (name, description) in zip(labels, agents.items(), strict=True)
        ]
        return ZeroShotRouterLLM(
            self, _INSTRUCTIONS.format(agents="\n".join(lines), fallback=fallback)
        )

    async def first_token(self, instructions: str, prompt: str) -> list[tuple[str, float]]:
        """The likeliest first tokens of the reply, with their log-probabilities.

        Raises:
            EngineUnavailable: the endpoint does not answer, or not with log-probabilities.
            EngineRejected: it refuses the request (a wrong key, an unknown model).
        """
        body = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": instructions},
                {"role": "user", "content": prompt},
            ],
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "top_logprobs": _TOP_LOGPROBS,
        }
        wait = EngineWait()
        try:
            response = await self._http.post(self._url, content=orjson.dumps(body))
        except httpx.HTTPError as error:
            raise EngineUnavailable(f"{self._url} does not answer: {error!r}") from None
        finally:
            wait.end()
        if response.status_code != 200:
            raise EngineRejected(response.status_code, f"{self._url} says: {response.text[:500]}")
        return _first_token(response.content, self._url)


class ZeroShotRouterLLM:
    """Label reads of an endpoint's model that was told who the agents are."""

    def __init__(self, endpoint: RouterLLMEndpoint, instructions: str) -> None:
        self._endpoint = endpoint
        self._instructions = instructions

    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        """Log-probability of each label as the first token of the reply; `EngineError`s."""
        likely = await self._endpoint.first_token(self._instructions, prompt)
        return _of_labels(likely, labels)


def _first_token(content: bytes, url: str) -> list[tuple[str, float]]:
    try:
        (choice,) = orjson.loads(content)["choices"]
        likely = choice["logprobs"]["content"][0]["top_logprobs"]
        return [(str(each["token"]), float(each["logprob"])) for each in likely]
    except (ValueError, LookupError, TypeError):
        raise EngineUnavailable(f"{url} answered without log-probabilities") from None


def _of_labels(likely: Sequence[tuple[str, float]], labels: Sequence[str]) -> list[float]:
    """A letter with and without a blank before it are two tokens and one label."""
    found: dict[str, float] = {}
    for token, log_probability in likely:
        letter = token.strip()
        found[letter] = found.get(letter, 0.0) + math.exp(log_probability)
    return [max(math.log(found.get(label.strip()) or 1e-6), _FLOOR) for label in labels]
