"""A small agent on disk, for tests that train one."""

import json
from pathlib import Path

import yaml

from agents.catalog import Agent, load_agent

ROWS = [(f"say {word}", word.upper()) for word in ("one", "two", "three", "four")] * 4


def write_agent(folder: Path, **changes: object) -> Agent:
    """An agent that says a word in capitals; ``changes`` replace keys of its YAML."""
    (folder / "data").mkdir(parents=True)
    document = {
        "name": folder.name,
        "description": "Says a word in capitals.",
        "system_prompt": "Shout.",
        "data": {"train": "data/train.jsonl", "eval": "data/eval.jsonl"},
        "training": {"epochs": 3, "batch_size": 4, "max_length": 128, "learning_rate": 0.01},
        "evaluation": {"metric": "exact_match"},
    }
    (folder / "agent.yaml").write_text(yaml.safe_dump(document | changes))
    for name in ("train", "eval"):
        lines = [json.dumps({"prompt": prompt, "completion": answer}) for prompt, answer in ROWS]
        (folder / "data" / f"{name}.jsonl").write_text("\n".join(lines))
    return load_agent(folder)
