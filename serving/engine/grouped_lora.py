"""LoRA on CPU with the tokens of a batch grouped by adapter.

Each adapter in a batch costs two matrix products per layer, however many tokens and fused slices
(q, k, v; gate, up) there are. Tokens without an adapter (slot -1) are never touched.
"""

from typing import Any, NamedTuple, TypeAlias

import torch
from vllm.lora.layers import LoRAMapping
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

FEW_TOKENS = 48
"""Up to so many per adapter float32 is faster: bfloat16 products have a fixed cost of ~20 µs."""

Rows: TypeAlias = slice | torch.Tensor


class Grouping(NamedTuple):
    """The rows of a batch that belong to each adapter slot."""

    size: int
    groups: list[tuple[int, Rows | None]]
    """(slot, rows); None stands for all rows."""


def group_by_slot(indices: torch.Tensor) -> Grouping:
    """Group a [tokens] tensor of adapter slots; -1 (no adapter) is left out.

    Rows that lie side by side become a slice, so that taking them copies nothing.
    """
    size = indices.numel()
    groups: list[tuple[int, Rows | None]] = []
    for slot in sorted(set(indices.tolist()) - {-1}):
        rows = (indices == slot).nonzero().flatten()
        first, last = int(rows[0]), int(rows[-1])
        if rows.numel() == size:
            groups.append((slot, None))
        elif last - first + 1 == rows.numel():
            groups.append((slot, slice(first, last + 1)))
        else:
            groups.append((slot, rows))
    return Grouping(size, groups)


class LayerWeights:
    """One layer's adapters, each with its slices fused into one A and one B.

    The fused copies are made on first use and again after vLLM writes to the stacked tensors
    (an adapter is loaded or removed), which their version counters tell.

    Args:
        a_stacked: per slice [slots, 1, rank, in]; empty if the layer has no A product to do.
        b_stacked: per slice [slots, 1, out, rank].
    """

    def __init__(
        self, a_stacked: tuple[torch.Tensor, ...], b_stacked: tuple[torch.Tensor, ...]
    ) -> None:
        self._a_stacked = a_stacked
        self._b_stacked = b_stacked
        self._stacked = (*a_stacked, *b_stacked)
        self._versions: list[int] = []
        self._fused: dict[
            tuple[int, torch.dtype], tuple[torch.Tensor | None, torch.Tensor] | None
        ] = {}

    def fused(
        self, slot: int, dtype: torch.dtype
    ) -> tuple[torch.Tensor | None, torch.Tensor] | None:
        """A as [in, ranks] and B as [ranks, outs]; None if the adapter leaves this layer alone."""
        versions = [tensor._version for tensor in self._stacked]
        if versions != self._versions:
            self._versions = versions
            self._fused.clear()
        key = (slot, dtype)
        if key not in self._fused:
            self._fused[key] = self._fuse(slot, dtype)
        return self._fused[key]

    def _fuse(
        self, slot: int, dtype: torch.dtype
    ) -> tuple[torch.Tensor | None, torch.Tensor] | None:
        b_slices = [b[slot, 0] for b in self._b_stacked]
        if not any(bool(b.any()) for b in b_slices):
            return None
        # Block-diagonal B: slice i of the output sees only slice i of the hidden ranks.
        b = torch.block_diag(*b_slices).to(dtype).t()
        if not self._a_stacked:
            return None, b
        a = torch.cat([a[slot, 0] for a in self._a_stacked]).to(dtype).t()
        return a, b


def add_lora(
    y: torch.Tensor, x: torch.Tensor, weights: LayerWeights, batch: Grouping, scale: float
) -> None:
    """y += scale * (x @ A @ B) in place, each row with its own adapter.

    Args:
        y: [tokens, out]. The vocabulary may be padded differently from B: the common columns count.
        x: [tokens, in].

    Raises:
        ValueError: x has another number of rows than the batch that was announced.
    """
    few = x.shape[0] <= FEW_TOKENS * len(batch.groups)
    dtype = torch.float32 if few else y.dtype
    active = [
        (rows, pair)
        for slot, rows in batch.groups
        if (pair := weights.fused(slot, dtype)) is not None
    ]
    if not active:
        return
    if x.shape[0] != batch.size:
        raise ValueError(f"LoRA mapping is for {batch.size} rows, the layer got {x.shape[0]}")
    width = min(y.shape[1], active[0][1][1].shape[1])
    if width < y.shape[1]:
        y = y[:, :width]
    total = y.to(dtype)
    x = x.to(dtype)
    for rows, (a, b) in active:
        _add_group(total, x, a, b[:, :width] if width < b.shape[1] else b, rows, scale)
    if total is not y:
        y.copy_(total)


def _add_group(
    y: torch.Tensor,
    x: torch.Tensor,
    a: torch.Tensor | None,
    b: torch.Tensor,
    rows: Rows | None,
    scale: float,
) -> None:
    if rows is not None:
        x = x[rows]
    hidden = x if a is None else torch.mm(x, a)
    if isinstance(rows, torch.Tensor):
        y.index_add_(0, rows, torch.mm(hidden, b), alpha=scale)
    else:
        (y if rows is None else y[rows]).addmm_(hidden, b, alpha=scale)


class GroupedPunicaWrapper(PunicaWrapperCPU):
    """vLLM's interface for LoRA layers, on top of `add_lora`.

    All inputs are [tokens, features]. Scratch buffers that callers may pass are not needed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tokens = Grouping(0, [])
        self._samples = Grouping(0, [])
        self._layers: dict[tuple[int, ...], LayerWeights] = {}

    def update_metadata(
        self,
        mapping: LoRAMapping,
        lora_index_to_id: list[int | None],
        max_loras: int,
        vocab_size: int,
        **kwargs: Any,
    ) -> None:
        """Group the batch once; vLLM calls this whenever the rows or the slots change."""
        super().update_metadata(mapping, lora_index_to_id, max_loras, vocab_size, **kwargs)
        self._tokens = group_by_slot(self.token_lora_indices)
        self._samples = group_by_slot(self.sampler_indices)

    def add_lora_linear(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: tuple[torch.Tensor, ...],
        lora_b_stacked: tuple[torch.Tensor, ...],
        scale: float,
        output_slices: tuple[int, ...],
        *,
        buffer: tuple[torch.Tensor, ...] | None = None,
        **kwargs: Any,
    ) -> None:
        """y += scale * (x @ A @ B), the slices side by side in y."""
        if self._tokens.groups:
            add_lora(y, x, self._weights(lora_a_stacked, lora_b_stacked), self._tokens, scale)

    def add_lora_logits(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: torch.Tensor,
        lora_b_stacked: torch.Tensor,
        scale: float,
        *,
        buffer: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> None:
        """y += scale * (x @ A @ B), one row per sampled token."""
        if self._samples.groups:
            weights = self._weights((lora_a_stacked,), (lora_b_stacked,))
            add_lora(y, x, weights, self._samples, scale)

    def add_lora_embedding(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_b_stacked: torch.Tensor,
        add_inputs: bool = True,
        **kwargs: Any,
    ) -> None:
        """y += x @ B; the layer has looked up x in A itself."""
        self.add_expand(y, (x,), (lora_b_stacked,), (y.shape[1],), add_inputs=add_inputs)

    def add_shrink(
        self,
        y: tuple[torch.Tensor, ...] | torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: tuple[torch.Tensor, ...],
        scale: float,
        **kwargs: Any,
    ) -> None:
        """y[i] = scale * (x @ A[i]); only fully sharded layers call this, so it is kept plain."""
        for target, stacked in zip(y, lora_a_stacked, strict=True):
            inputs = x.to(target.dtype)
            for slot, rows in self._tokens.groups:
                a = stacked[slot, 0].to(target.dtype)
                chosen = slice(None) if rows is None else rows
                target[chosen, : a.shape[0]] = scale * (inputs[chosen] @ a.t())

    def add_expand(
        self,
        y: torch.Tensor,
        x: tuple[torch.Tensor, ...] | torch.Tensor,
        lora_b_stacked: tuple[torch.Tensor, ...],
        output_slices: tuple[int, ...],
        offset_start: int = 0,
        add_inputs: bool = True,
        **kwargs: Any,
    ) -> None:
        """y[:, slice i] += x[i] @ B[i], or = where `add_inputs` is false."""
        end = offset_start
        for hidden, b, width in zip(x, lora_b_stacked, output_slices, strict=True):
            start, end = end, end + width
            target = y[:, start:end]
            if not add_inputs:
                for _, rows in self._tokens.groups:
                    target[slice(None) if rows is None else rows] = 0
            if self._tokens.groups:
                add_lora(target, hidden, self._weights((), (b,)), self._tokens, 1.0)

    def _weights(
        self, a_stacked: tuple[torch.Tensor, ...], b_stacked: tuple[torch.Tensor, ...]
    ) -> LayerWeights:
        # The ids stay unique: the entry holds the tensors, and layers keep theirs for good.
        key = (*map(id, a_stacked), *map(id, b_stacked))
        if key not in self._layers:
            self._layers[key] = LayerWeights(a_stacked, b_stacked)
        return self._layers[key]
