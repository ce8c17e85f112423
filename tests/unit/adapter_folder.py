"""A tiny adapter folder: right in form, a few bytes of weights."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from agents.artifacts import MANIFEST, PEFT_CONFIG, WEIGHTS
from agents.config import AgentConfig

PEFT = {"peft_type": "LORA", "r": 8, "bias": "none", "use_dora": False, "modules_to_save": None}
TENSOR = "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"


def write_adapter(folder: Path, value: float = 0.0, **peft: Any) -> Path:
    """Write an adapter whose only weight is ``value``; ``peft`` changes its PEFT config."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({TENSOR: np.full((2, 2), value, np.float32)}, folder / WEIGHTS)
    write_json(folder / PEFT_CONFIG, {**PEFT, **peft})
    write_json(folder / MANIFEST, {"scores": {"adapter": 0.9, "base": value}})
    return folder


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def agent_config(name: str = "cron", **changes: Any) -> AgentConfig:
    """A valid agent with an adapter; ``changes`` are keys of ``agent.yaml``."""
    document: dict[str, Any] = {
        "name": name,
        "description": "Turns a schedule into a cron expression.",
        "system_prompt": "Answer with one cron expression.",
        "data": {"train": "train.jsonl", "eval": "eval.jsonl"},
        "evaluation": {"metric": "cron_equal"},
    }
    return AgentConfig.model_validate({**document, **changes})
