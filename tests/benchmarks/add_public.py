"""Agents over public data that nobody here wrote, added as a new user would.

Run: ``python -m tests.benchmarks.add_public banking77 FOLDER`` (or ``clinc-banking``), where FOLDER
holds ``train.jsonl`` with ``text`` and ``intent`` (and, for CLINC150, ``domain``; ``val.jsonl`` is
judged by, if it is there). Writes an agent into a temporary folder, runs ``philharmonic add`` on
a home folder of its own (or ``--home``) and prints time and scores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from agents.settings import ROOT

AGENTS: dict[str, dict[str, Any]] = {
    "banking77": {
        "description": "Names the intent of a question to a bank's help desk about cards, "
        "transfers, top-ups, cash and accounts, as JSON.",
        "training": {"epochs": 2, "learning_rate": 1.5e-3, "batch_size": 16, "max_length": 160},
        "gate": {"min_score": 0.8, "min_gain": 0.3},
    },
    "clinc-banking": {
        "description": "Names the intent of a banking request: balances, bills, transfers, "
        "PINs, interest rates, frozen accounts, cheques, as JSON.",
        "training": {"epochs": 3, "learning_rate": 1.5e-3, "batch_size": 16, "max_length": 128},
        "gate": {"min_score": 0.9, "min_gain": 0.3},
    },
}


def main() -> None:
    """Write the agent, add it, print how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=AGENTS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path, help="home folder with a prepared base, say")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        write_agent(given.name, given.folder, folder)
        home = given.home or folder / "home"
        command = [sys.executable, "-m", "philharmonic", "add", str(folder / "agent.yaml")]
        environment = {**_environment(), "PHILHARMONIC_HOME": str(home)}
        started = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        print(f"{given.name}: {time.perf_counter() - started:.0f} s in all, exit {done.returncode}")
        for manifest in sorted((home / "runs").glob(f"{given.name}-*/adapter/manifest.json")):
            found = json.loads(manifest.read_text())
            print(f"training: {found['seconds']:.0f} s for {found['rows']} rows; {found['scores']}")
    sys.exit(done.returncode)


def write_agent(name: str, source: Path, folder: Path) -> None:
    """The YAML and its data: rows of CLINC150's banking domain alone, or all of banking77."""
    data: dict[str, Any] = {"train": _source(name, source / "train.jsonl", folder)}
    if (source / "val.jsonl").exists():
        data["eval"] = _source(name, source / "val.jsonl", folder)
    else:
        data["eval_fraction"] = 0.05
    document = {
        "name": name,
        "system_prompt": "Answer with JSON of the intent.",
        "data": data,
        "generation": {"max_tokens": 32},
        "evaluation": {"metric": "json_equal"},
        **AGENTS[name],
    }
    (folder / "agent.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")


def _source(name: str, path: Path, folder: Path) -> dict[str, str]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if name == "clinc-banking":
        rows = [row for row in rows if row["domain"] == "banking"]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / path.name).write_text(text, encoding="utf-8")
    return {"path": path.name, "prompt": "{text}", "completion": '{"intent": {intent:json}}'}


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}


if __name__ == "__main__":
    main()
