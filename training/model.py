"""The model that is trained: a base, in bfloat16 or NF4, with an adapter on top."""

import os
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig

from agents.config import AdapterConfig
from agents.errors import ConfigError
from training import cpu


def with_adapter(base: Path | str, adapter: AdapterConfig, start: Path | None = None) -> PeftModel:
    """The base with an adapter to train: a new one, or the one in the folder ``start``.

    Raises:
        ConfigError: targets match no module of the base, or ``start`` has another shape.
    """
    model = load_base(base, adapter)
    check_targets(model, adapter)
    if adapter.quantization != "none":
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=torch.cuda.is_available()
        )
    if start is None:
        return get_peft_model(model, lora_config(adapter), autocast_adapter_dtype=False)
    begun = PeftConfig.from_pretrained(str(start))
    _check_start(begun, adapter, model)
    begun.lora_dropout = adapter.dropout
    return PeftModel.from_pretrained(
        model, start, is_trainable=True, autocast_adapter_dtype=False, config=begun
    )


def load_base(base: Path | str, adapter: AdapterConfig) -> Any:
    """The base model in bfloat16, or in NF4 with double quantisation for QLoRA."""
    quantization = None
    if adapter.quantization == "nf4":
        quantization = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    return AutoModelForCausalLM.from_pretrained(
        base,
        dtype=torch.bfloat16,
        quantization_config=quantization,
        # Quantised weights cannot be moved later: each process loads them onto its own device.
        device_map=_own_gpu() if quantization is not None else None,
        attn_implementation="sdpa" if torch.cuda.is_available() else cpu.ATTENTION,
    )


def _own_gpu() -> dict[str, int] | None:
    if not torch.cuda.is_available():
        return None
    return {"": int(os.environ.get("LOCAL_RANK", "0"))}


def without_weights(base: Path | str) -> Any:
    """The base's modules alone, in no time, to check a config against."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base))


def check_targets(model: Any, adapter: AdapterConfig) -> None:
    """Refuse targets that match no linear module of the base.

    PEFT itself trains on whatever does match: on Phi-3, whose projections are fused, the names
    of an un-fused model would train a fraction of what was asked, silently.
    """
    if adapter.target_modules == "all-linear":
        return
    linear = _linear_modules(model)
    unknown = sorted(set(adapter.target_modules) - linear)
    if unknown:
        raise ConfigError(
            f"adapter.target_modules: {', '.join(unknown)} match no module of the base; "
            f"it has {', '.join(sorted(linear))}, or say all-linear"
        )


def _linear_modules(model: Any) -> set[str]:
    """Names of all that ``all-linear`` means."""
    return {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    } - {"lm_head"}


def lora_config(adapter: AdapterConfig) -> LoraConfig:
    """PEFT's configuration for an adapter of ours."""
    targets = adapter.target_modules
    return LoraConfig(
        r=adapter.r,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        use_rslora=adapter.rslora,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )


def save_adapter(model: PeftModel, path: Path) -> None:
    """Save the adapter alone, in bfloat16 safetensors; no path of this machine goes along."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.bfloat16)
    model.peft_config["default"].base_model_name_or_path = ""
    model.save_pretrained(path)
    (path / "README.md").unlink(missing_ok=True)


def _check_start(begun: Any, adapter: AdapterConfig, model: Any) -> None:
    every = _linear_modules(model)
    targets = every if adapter.target_modules == "all-linear" else set(adapter.target_modules)
    shape = {
        "r": begun.r,
        "alpha": begun.lora_alpha,
        "rslora": begun.use_rslora,
        # PEFT writes down names, dotted where it needs to, for all-linear too.
        "target_modules": sorted({name.rpartition(".")[2] for name in begun.target_modules}),
    }
    wanted = {
        "r": adapter.r,
        "alpha": adapter.alpha,
        "rslora": adapter.rslora,
        "target_modules": sorted(targets),
    }
    if shape != wanted:
        raise ConfigError(
            f"start: that adapter has {shape}, `adapter` says {wanted}: training goes on from it "
            "only in the same shape"
        )
