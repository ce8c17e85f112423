"""Label reads in this process say what PEFT says."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from agents.config import AdapterConfig
from tests.unit.tiny_phi3 import save_tiny_phi3
from training.label_read import LocalLabelReads, label_id
from training.model import lora_config

LABELS = ["A", "B", "C"]
PROMPTS = ["[none]\nuser: hi\nagent:", "[home]\nuser: and the lamp upstairs?\nagent:"]


@pytest.mark.parametrize("rslora", [False, True])
async def test_they_are_those_of_peft(tmp_path: Path, rslora: bool) -> None:
    base, adapter = save_tiny_phi3(tmp_path / "base"), tmp_path / "adapter"
    shape = AdapterConfig(r=4, alpha=12, rslora=rslora)
    trained = get_peft_model(loaded(base), lora_config(shape), autocast_adapter_dtype=False)
    torch.manual_seed(0)
    for name, parameter in trained.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    trained.save_pretrained(adapter)

    reads = LocalLabelReads(base, adapter)
    tokenizer = AutoTokenizer.from_pretrained(base)
    peft = PeftModel.from_pretrained(loaded(base), adapter, autocast_adapter_dtype=False).eval()
    ids = [label_id(tokenizer, label) for label in LABELS]
    for prompt in PROMPTS:
        inputs = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
        with torch.inference_mode():
            expected = peft(**inputs).logits[0, -1].float().log_softmax(-1)[ids]
            with peft.disable_adapter():
                plain = peft(**inputs).logits[0, -1].float().log_softmax(-1)[ids]
        found = torch.tensor(await reads.label_logprobs("router", prompt, LABELS))
        assert (found - expected).abs().max() < 0.3 * (found - plain).abs().max()


def loaded(base: Path) -> AutoModelForCausalLM:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
