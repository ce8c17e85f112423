"""The router's adapter: one LoRA adapter that answers a routing prompt with an agent's label."""

import dataclasses
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from rich.console import Console
from transformers import AutoModelForCausalLM, AutoTokenizer

from agents.config import AdapterConfig, TrainingConfig
from agents.errors import TrainingError
from router.prompt import labels_for, render_prompt
from router.turns import LabelledConversation, LabelledTurn, as_served
from training.loop import TrainedAdapter, train_rows
from training.render import IGNORED, RenderedExample

_MOST_REPEATS = 3


@dataclasses.dataclass(frozen=True)
class LabelReadTraining:
    """How the router's adapter is trained.

    Attributes:
        rows: turns to train on; every one costs time, so not all of a large file.
        hand_offs: share of hand-offs among the composed turns (they are the hard ones).
        first_turns: share of first turns among them (easy: no context to weigh).
        handwritten: conversations whose id starts with it are all taken, twice.
    """

    rows: int
    hand_offs: float = 0.62
    first_turns: float = 0.15
    handwritten: str = "hand-"
    adapter: AdapterConfig = AdapterConfig(r=8, alpha=16)
    run: TrainingConfig = TrainingConfig(epochs=1.0, learning_rate=3e-3, batch_size=8)


def train_label_read(
    conversations: Sequence[LabelledConversation],
    agents: Sequence[str],
    base: Path | str,
    run_dir: Path,
    plan: LabelReadTraining,
    console: Console | None = None,
) -> TrainedAdapter:
    """Train the adapter; see `training.loop.train_rows` for what is left in ``run_dir``.

    Args:
        console: shows a progress bar.

    Raises:
        TrainingError: a label is not one token of the base.
    """
    tokenizer = AutoTokenizer.from_pretrained(base)
    labels = {agent: label_id(tokenizer, label) for agent, label in labels_for(agents).items()}
    turns = choose_turns(as_served(conversations, agents), plan)
    rows = [render_label_read(tokenizer, row, labels) for row in turns]
    return train_rows(rows, base, plan.adapter, plan.run, run_dir, console=console)


def choose_turns(
    conversations: Sequence[LabelledConversation], plan: LabelReadTraining
) -> list[LabelledTurn]:
    """Handwritten turns twice, then composed ones in the plan's shares up to its rows.

    Hand-offs may be taken twice: there are few, and they are the hard ones.
    """
    rng = random.Random(plan.run.seed)
    chosen: list[LabelledTurn] = []
    composed: dict[str, list[LabelledTurn]] = {"first": [], "hand_off": [], "stay": []}
    for conversation in conversations:
        if conversation.id.startswith(plan.handwritten):
            chosen += 2 * conversation.turns
            continue
        for row in conversation.turns:
            composed[_kind(row)].append(row)
    room = max(0, plan.rows - len(chosen))
    shares = {"first": plan.first_turns, "hand_off": plan.hand_offs}
    shares["stay"] = 1 - sum(shares.values())
    left: list[LabelledTurn] = []
    for kind, share in shares.items():
        pool = composed[kind]
        rng.shuffle(pool)
        wanted = round(room * share)
        chosen += (2 * pool if kind == "hand_off" else pool)[:wanted]
        left += pool[wanted:]
    # What one kind lacks (single requests have no context) the others fill.
    chosen += rng.sample(left, min(max(0, plan.rows - len(chosen)), len(left)))
    chosen += _more_of_the_rare(chosen, [row for pool in composed.values() for row in pool], plan)
    rng.shuffle(chosen)
    return chosen


def _more_of_the_rare(
    chosen: Sequence[LabelledTurn], composed: Sequence[LabelledTurn], plan: LabelReadTraining
) -> Iterator[LabelledTurn]:
    """More turns of agents that have less than half their fair share; each up to three times."""
    counts = Counter(row.agent for row in chosen)
    by_agent: dict[str, list[LabelledTurn]] = {}
    for row in composed:
        by_agent.setdefault(row.agent, []).append(row)
    for agent, rows in by_agent.items():
        enough = min(plan.rows // (2 * len(by_agent)), _MOST_REPEATS * len(rows))
        yield from islice(cycle(rows), max(0, enough - counts[agent]))


def render_label_read(
    tokenizer: Any, row: LabelledTurn, labels: Mapping[str, int]
) -> RenderedExample:
    """Prompt and label as tokens; the label is the only one that is trained."""
    prompt = tokenizer(render_prompt(row.turn), add_special_tokens=False)["input_ids"]
    label = labels[row.agent]
    return RenderedExample([*prompt, label], [IGNORED] * len(prompt) + [label])


def label_id(tokenizer: Any, label: str) -> int:
    """A label as a token id; `TrainingError` if it is not a single token of this base."""
    ids = tokenizer(label, add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        raise TrainingError(f"label {label!r} is {len(ids)} tokens of this base, not one")
    return int(ids[0])


def _kind(row: LabelledTurn) -> str:
    if row.turn.current is None:
        return "first"
    return "stay" if row.turn.current == row.agent else "hand_off"


class LocalLabelReads:
    """Label reads in this process with torch, so that fitting needs no server.

    It is a `router.label_read.LabelReadEngine`; whatever model is asked for, the adapter it was
    made with answers.
    """

    def __init__(self, base: Path | str, adapter: Path) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(base)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
        adapted = PeftModel.from_pretrained(model, adapter, autocast_adapter_dtype=False).eval()
        self._causal_lm = _fused(adapted)

    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        """Log-probability of each label as the token after ``prompt``."""
        ids = [label_id(self._tokenizer, label) for label in labels]
        inputs = self._tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
        with torch.inference_mode():
            hidden = self._causal_lm.model(**inputs, use_cache=False).last_hidden_state
            # Of one vector: torch would copy the whole vocabulary for a batch of matrices.
            logits = self._causal_lm.lm_head(hidden[0, -1]).float()
        found: list[float] = torch.log_softmax(logits, dim=-1)[ids].tolist()
        return found


def _fused(model: PeftModel) -> Any:
    """The base within, its adapted layers in three products each; for inference only.

    PEFT's take three times the operations. They are not merged into one product: rounding the
    sum to bfloat16 moves log-probabilities by up to 0.2.
    """
    causal_lm = model.base_model.model
    with torch.inference_mode():
        for layer in filter(lambda module: isinstance(module, LoraLayer), causal_lm.modules()):
            (name,) = layer.active_adapters
            down = layer.lora_A[name].weight.t()
            up = (layer.lora_B[name].weight * layer.scaling[name]).t()
            layer.forward = partial(_adapted_linear, layer.base_layer.weight, down, up)
    return causal_lm


def _adapted_linear(weight: Any, down: Any, up: Any, hidden: Any) -> Any:
    """``[..., inputs]`` to ``[..., outputs]``."""
    rows = hidden.flatten(0, -2)
    plain = torch.nn.functional.linear(rows, weight)
    return torch.addmm(plain, rows @ down, up).unflatten(0, hidden.shape[:-1])
