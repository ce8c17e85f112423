from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from peft import PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from agents.config import AdapterConfig, AgentConfig
from agents.data import Example, Message
from agents.errors import TrainingError
from serving.engine.client import EngineClient
from tests.unit.tiny_phi3 import save_tiny_phi3
from training.model import lora_config
from training.parity import Parity, check_parity

CONFIG = AgentConfig.model_validate(
    {
        "name": "upper",
        "description": "Says a word in capitals.",
        "system_prompt": "Shout.",
        "data": {"train": "x.jsonl"},
        "evaluation": {"metric": "exact_match"},
    }
)
EXAMPLES = [
    Example((Message("user", word), Message("assistant", word.upper())))
    for word in ("one", "two", "three", "four")
]


class LocalEngine:
    """An engine that writes greedily with a model in this process, whatever it is asked for."""

    def __init__(self, model: Any, tokenizer: Any, prefix: str = "") -> None:
        self._model, self._tokenizer, self._prefix = model.eval(), tokenizer, prefix

    async def chat(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        text = self._prefix + self._tokenizer.apply_chat_template(
            payload["messages"], tokenize=False, add_generation_prompt=True
        )
        prompt = self._tokenizer(text, add_special_tokens=False, return_tensors="pt")
        with torch.inference_mode():
            whole = self._model.generate(
                **prompt, do_sample=False, max_new_tokens=payload["max_tokens"]
            )
        start = prompt["input_ids"].shape[1]
        return {
            "prompt_token_ids": whole[0, :start].tolist(),
            "choices": [{"token_ids": whole[0, start:].tolist()}],
        }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_phi3(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes a lot: random, where a new one is zero."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(0)
    model = get_peft_model(_base(base), lora_config(AdapterConfig(r=4)))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(folder)
    return folder


def _base(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)


async def parity_with(model: Any, base: Path, adapter: Path, prefix: str = "") -> Parity:
    engine = LocalEngine(model, AutoTokenizer.from_pretrained(base), prefix)
    return await check_parity(
        cast(EngineClient, engine), "candidate", CONFIG, EXAMPLES, base, adapter
    )


async def test_what_peft_serves_is_what_peft_trained(base: Path, adapter: Path) -> None:
    served = PeftModel.from_pretrained(_base(base), adapter, autocast_adapter_dtype=False)
    parity = await parity_with(served, base, adapter)
    assert (parity.prompts, parity.equal) == (4, 4) and parity.unlike_base > 0
    assert parity.worst < 0.1 and not parity.faults


async def test_an_engine_that_drops_the_adapter_is_found_out(base: Path, adapter: Path) -> None:
    parity = await parity_with(_base(base), base, adapter)
    assert parity.equal < parity.prompts and parity.unlike_base == 0
    assert any("served answers are not PEFT's" in fault for fault in parity.faults)
    assert any("the adapter has no effect" in fault for fault in parity.faults)


async def test_an_adapter_that_does_nothing_is_refused(base: Path, tmp_path: Path) -> None:
    get_peft_model(_base(base), lora_config(AdapterConfig(r=4))).save_pretrained(tmp_path)
    parity = await parity_with(_base(base), base, tmp_path)
    assert parity.equal == parity.prompts
    assert parity.faults == ["every served answer is the base's own: the adapter has no effect"]


async def test_another_chat_template_on_the_engine_is_an_error(base: Path, adapter: Path) -> None:
    with pytest.raises(TrainingError, match="renders a prompt to other tokens than training did"):
        await parity_with(_base(base), base, adapter, prefix=" ")
