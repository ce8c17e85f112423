"""What is minimised: the Trainer of transformers with logits only where there is a label.

Most tokens of a row are context; the vocabulary is the widest matrix of a small model, so
multiplying it with context tokens would be the dearest part of a step, for nothing.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch.utils.data import DataLoader
from transformers import Trainer

from agents.artifacts import WEIGHTS
from training.batches import LengthGroups, Padding, like_lengths
from training.render import IGNORED, Pair

Batch = Mapping[str, torch.Tensor]


class LabelTrainer(Trainer):
    """Cross-entropy of the labelled tokens: ``sft`` and ``cpt``.

    Attributes:
        tokens: how many it has read so far in this process, padding aside.
    """

    def __init__(self, order: LengthGroups, model: Any, **named: Any) -> None:
        # Several processes share only the gradients of what the model's own forward computes.
        model.forward = partial(label_logprobs, model)
        super().__init__(model=model, **named)
        self._order = order
        self.tokens = 0
        # The Trainer looks for them in a thousand modules at every step, a sixth of it on a CPU.
        self._trained = [weight for weight in model.parameters() if weight.requires_grad]
        model.zero_grad = self._forget_gradients

    def floating_point_ops(self, inputs: Any) -> int:
        """None: counting the model's parameters takes longer than knowing it is worth."""
        return 0

    def _forget_gradients(self, set_to_none: bool = True) -> None:
        for weight in self._trained:
            weight.grad = None

    def _clip_grad_norm(self, model: Any) -> torch.Tensor:
        limit = self.args.max_grad_norm
        return torch.nn.utils.clip_grad_norm_(self._trained, limit, foreach=True)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Mean over the labels of the whole optimiser step."""
        assert not return_outputs
        self.tokens += int(inputs["attention_mask"].sum())
        found, _ = model(inputs)
        if num_items_in_batch is None:
            return -found.mean()
        # Labels are counted over all processes, whose gradients are averaged afterwards.
        return -found.sum() / num_items_in_batch * self.accelerator.num_processes

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        # PEFT's own way casts the adapter to float32, and the run would end with other weights.
        weights = load_file(Path(resume_from_checkpoint) / WEIGHTS)
        set_peft_model_state_dict(self.model, weights)

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroups:
        return self._order


class PreferenceTrainer(LabelTrainer):
    """Direct preference optimisation (Rafailov et al. 2023).

    The reference is the model the run started from; `reference_margins` asks it beforehand, so
    that no second model is kept.
    """

    def __init__(self, beta: float, **named: Any) -> None:
        super().__init__(**named)
        self._beta = beta
        # The loss is a mean over pairs, so steps of several batches are averaged by the Trainer.
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Mean over the pairs of ``-log sigmoid(beta * (margin - the reference's margin))``."""
        assert not return_outputs
        self.tokens += int(inputs["attention_mask"].sum())
        margins = pair_margins(model(inputs), len(inputs["input_ids"]))
        advantage = self._beta * (margins - inputs["reference"])
        return -torch.nn.functional.logsigmoid(advantage).mean()


def reference_margins(
    model: Any, pairs: Sequence[Pair], padding: Padding, batch_size: int
) -> list[float]:
    """Log-probability of each chosen answer minus that of the rejected one, before training."""
    model.eval()
    rows: Any = [{"row": pair} for pair in pairs]
    margins: list[float] = []
    with torch.inference_mode():
        for batch in DataLoader(rows, batch_size, collate_fn=padding):
            inputs = {key: value.to(model.device) for key, value in batch.items()}
            found = label_logprobs(model, inputs)
            margins += pair_margins(found, len(inputs["input_ids"])).tolist()
    model.train()
    return margins


def pair_margins(found: tuple[torch.Tensor, torch.Tensor], rows: int) -> torch.Tensor:
    """``log p(chosen) - log p(rejected)`` of each pair, ``[rows / 2]``, of `label_logprobs`."""
    log_probabilities, row = found
    sums = torch.zeros(rows, device=row.device).index_add(0, row, log_probabilities)
    chosen, rejected = sums.chunk(2)
    return chosen - rejected


def label_logprobs(peft_model: Any, inputs: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of every labelled token, and the row each stands in, both ``[labels]``."""
    lengths = inputs["attention_mask"].sum(dim=1).tolist()
    parts = [
        _label_logprobs(peft_model.base_model.model, inputs, rows, max(lengths[r] for r in rows))
        for rows in like_lengths(lengths)
    ]
    found, row = zip(*parts, strict=True)
    return torch.cat(found), torch.cat(row)


def _label_logprobs(
    causal_lm: Any, inputs: Batch, rows: Sequence[int], longest: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same of some rows, read up to the end of the longest."""
    part = {key: inputs[key][list(rows), :longest] for key in ("input_ids", "attention_mask")}
    labels = inputs["labels"][list(rows), 1:longest]
    labelled = labels != IGNORED
    # Compiled layers would be compiled anew for a row that comes alone.
    alone = torch.compiler.set_stance("force_eager") if len(rows) == 1 else nullcontext()
    with alone:
        hidden = causal_lm.model(**part, use_cache=False).last_hidden_state
    logits = causal_lm.lm_head(hidden[:, :-1][labelled]).float()
    found = -torch.nn.functional.cross_entropy(logits, labels[labelled], reduction="none")
    return found, torch.tensor(rows, device=found.device)[labelled.nonzero()[:, 0]]
