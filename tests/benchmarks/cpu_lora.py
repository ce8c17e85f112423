"""How much time LoRA adds to one layer on CPU, as vLLM ships it and with our plugin.

    python -m tests.benchmarks.cpu_lora

Shapes are those of the default base model (hidden 576, intermediate 1536) with rank-8 adapters.
Times are without the base layer's own product, on one thread: with more, any other load on the
machine makes threads wait for each other and hides what is measured.
"""

import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from vllm.lora.layers import LoRAMapping
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

from serving.engine.grouped_lora import GroupedPunicaWrapper

SLOTS, RANK = 8, 8
LAYERS: dict[str, tuple[int, tuple[int, ...]]] = {
    "qkv, one slice": (576, (960,)),
    "qkv, three slices": (576, (576, 192, 192)),
    "gate_up, one slice": (576, (3072,)),
    "gate_up, two slices": (576, (1536, 1536)),
    "down": (1536, (576,)),
}
BATCHES = {"one adapter": [1], "4 adapters + base": [0, 1, 2, 3, 4]}


def microseconds(call: Callable[[], None], budget: float = 0.2) -> float:
    """The fastest call within `budget` seconds: other load on the machine only ever adds time."""
    call()
    best = float("inf")
    end = time.perf_counter() + budget
    while (start := time.perf_counter()) < end:
        call()
        best = min(best, time.perf_counter() - start)
    return best * 1e6


def time_layer(wrapper: PunicaWrapperCPU, layer: str, ids: list[int]) -> float:
    """Microseconds that LoRA adds to one layer for a batch of one token per adapter id."""
    inputs, outputs = LAYERS[layer]
    wrapper.update_metadata(
        LoRAMapping(tuple(ids), tuple(ids), is_prefill=True),
        list(range(1, SLOTS + 1)),
        SLOTS + 1,
        32064,
    )
    a = tuple(torch.randn(SLOTS, 1, RANK, inputs).bfloat16() for _ in outputs)
    b = tuple(torch.randn(SLOTS, 1, out, RANK).bfloat16() for out in outputs)
    x = torch.randn(len(ids), inputs).bfloat16()
    y = torch.randn(len(ids), sum(outputs)).bfloat16()
    with torch.inference_mode():
        return microseconds(lambda: wrapper.add_lora_linear(y, x, a, b, 1.0, outputs))


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    table = Table("layer", "batch", "tokens", "shipped µs", "plugin µs", "shipped / plugin")
    for column in table.columns[2:]:
        column.justify = "right"
    for layer in LAYERS:
        for batch, adapters in BATCHES.items():
            for tokens in (1, 8, 32, 200):
                if tokens < len(adapters):
                    continue
                ids = sorted((adapters * tokens)[:tokens])
                shipped, plugin = (
                    time_layer(kind(256, max_batches=64, device="cpu"), layer, ids)
                    for kind in (PunicaWrapperCPU, GroupedPunicaWrapper)
                )
                row = f"{shipped:.0f}", f"{plugin:.0f}", f"{shipped / plugin:.1f}"
                table.add_row(layer, batch, str(tokens), *row)
    Console().print(table)


if __name__ == "__main__":
    main()
