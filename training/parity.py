"""Is what the engine serves what was trained?

An engine can drop an adapter, or apply it wrongly, without a word, and the answers still read
well. So PEFT, which trained it, reads what the engine wrote: at every token of a greedy answer
the engine's choice must be PEFT's own, given the same tokens before. By induction that makes the
two answers equal; and where bfloat16 rounds two tokens to a tie, either may stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from agents.config import AgentConfig
from agents.data import Example
from agents.errors import TrainingError
from agents.prompt import with_system_prompt
from serving.engine.client import EngineClient
from training.render import prompt_ids

PROMPTS = 20
_MAX_TOKENS = 24
#: Natural-log units that rounding to bfloat16 may put between two kernels' log-probabilities.
TOLERANCE = 0.35


@dataclass(frozen=True)
class Parity:
    """How served answers compare with PEFT's and with the base's.

    Attributes:
        prompts: how many were compared.
        equal: answers that are PEFT's, ties aside.
        unlike_base: answers that are not the base's.
        worst: the largest lead, in log-probability, that PEFT gave another token than the
            engine's.
    """

    prompts: int
    equal: int
    unlike_base: int
    worst: float

    @property
    def faults(self) -> list[str]:
        """Why the adapter must not go live; empty if all is well."""
        found = []
        if self.equal < self.prompts:
            found.append(
                f"{self.prompts - self.equal} of {self.prompts} served answers are not PEFT's "
                f"(another token was likelier by up to {self.worst:.2f})"
            )
        if not self.unlike_base:
            found.append("every served answer is the base's own: the adapter has no effect")
        return found


@dataclass(frozen=True)
class _Served:
    prompt: list[int]
    answer: list[int]


async def check_parity(
    client: EngineClient,
    model: str,
    config: AgentConfig,
    examples: Sequence[Example],
    base: Path | str,
    adapter: Path,
) -> Parity:
    """Compare what ``client`` serves as ``model`` with PEFT's reading of the adapter's folder.

    Raises:
        TrainingError: the engine rendered a prompt to other tokens than training did.
        EngineError: it does not answer.
    """
    tokenizer = AutoTokenizer.from_pretrained(base)
    served = [
        await _serve(client, model, config, example, tokenizer) for example in examples[:PROMPTS]
    ]
    loaded = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    peft = PeftModel.from_pretrained(loaded, adapter, autocast_adapter_dtype=False).eval()
    leads = [_lead(peft, one) for one in served]
    with peft.disable_adapter():
        base_leads = [_lead(peft, one) for one in served]
    return Parity(
        prompts=len(served),
        equal=sum(lead <= TOLERANCE for lead in leads),
        unlike_base=sum(lead > TOLERANCE for lead in base_leads),
        worst=max(leads),
    )


async def _serve(
    client: EngineClient, model: str, config: AgentConfig, example: Example, tokenizer: Any
) -> _Served:
    messages = with_system_prompt(config.system_prompt, example.prompt)
    completion = await client.chat(
        {
            "model": model,
            "messages": [message.as_dict() for message in messages],
            "temperature": 0,
            "max_tokens": _MAX_TOKENS,
            "return_token_ids": True,
        }
    )
    prompt = completion["prompt_token_ids"]
    if prompt != prompt_ids(tokenizer, messages):
        raise TrainingError(
            f"{model}: the engine renders {example.where or 'a prompt'} to other tokens than "
            "training did: the base's chat template differs between the two"
        )
    return _Served(prompt, completion["choices"][0]["token_ids"])


def _lead(model: Any, served: _Served) -> float:
    """By how much the model prefers another token, where it does so most (0: nowhere)."""
    ids = torch.tensor([served.prompt + served.answer], device=model.device)
    keep = len(served.answer) + 1
    with torch.inference_mode():
        logits = model(input_ids=ids, logits_to_keep=keep).logits[0, :-1].float()
    found = torch.log_softmax(logits, dim=-1)
    chosen = found.gather(1, ids[0, -len(served.answer) :, None])[:, 0]
    return float((found.max(dim=-1).values - chosen).max())
