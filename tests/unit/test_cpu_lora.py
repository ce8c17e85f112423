"""The CPU LoRA plugin against a plain float32 reference, through vLLM's own interface."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("vllm")

from vllm.lora.layers import LoRAMapping  # noqa: E402
from vllm.lora.punica_wrapper import get_punica_wrapper  # noqa: E402
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU  # noqa: E402
from vllm.platforms import current_platform  # noqa: E402

from serving.engine import cpu_lora  # noqa: E402
from serving.engine.grouped_lora import (  # noqa: E402
    FEW_TOKENS,
    GroupedPunicaWrapper,
    group_by_slot,
)

SLOTS, RANK = 4, 8
BASE, LAST = 0, SLOTS
"""Adapter ids: 0 is the base model, id i sits in slot i - 1."""

LAYERS = {
    "qkv": (576, (576, 192, 192)),
    "o": (576, (576,)),
    "gate_up": (576, (1536, 1536)),
    "down": (1536, (576,)),
}
BATCHES = {
    "all base": (BASE,),
    "one adapter": (2,),
    "base and last slot": (BASE, LAST),
    "base and every adapter": (BASE, 1, 2, 3, LAST),
}

Stacks = tuple["torch.Tensor", ...]


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def interleaved(ids: Sequence[int], tokens: int) -> list[int]:
    """Decode: one token per request, adapters in turn."""
    return list(islice(cycle(ids), tokens))


def in_blocks(ids: Sequence[int], tokens: int) -> list[int]:
    """Prefill: the tokens of a request side by side."""
    return sorted(interleaved(ids, tokens))


def stacks(inputs: int, outputs: Sequence[int]) -> tuple[Stacks, Stacks]:
    a = tuple(torch.randn(SLOTS, 1, RANK, inputs).bfloat16() * 0.05 for _ in outputs)
    b = tuple(torch.randn(SLOTS, 1, out, RANK).bfloat16() * 0.3 for out in outputs)
    return a, b


def mapped(
    wrapper: PunicaWrapperCPU, ids: Sequence[int], sampled: Sequence[int] = (BASE,)
) -> PunicaWrapperCPU:
    mapping = LoRAMapping(tuple(ids), tuple(sampled), is_prefill=True)
    wrapper.update_metadata(mapping, list(range(1, SLOTS + 1)), SLOTS + 1, 32064)
    return wrapper


def grouped(ids: Sequence[int], sampled: Sequence[int] = (BASE,)) -> GroupedPunicaWrapper:
    return mapped(GroupedPunicaWrapper(256, max_batches=256, device="cpu"), ids, sampled)


def upstream(ids: Sequence[int]) -> PunicaWrapperCPU:
    return mapped(PunicaWrapperCPU(256, max_batches=256, device="cpu"), ids)


def reference(
    y: "torch.Tensor", x: "torch.Tensor", a: Stacks, b: Stacks, scale: float, ids: Sequence[int]
) -> "torch.Tensor":
    result = y.float().clone()
    for token, adapter in enumerate(ids):
        if adapter != BASE:
            row = x[token].float()
            deltas = [
                row @ a_i[adapter - 1, 0].float().T @ b_i[adapter - 1, 0].float().T
                for a_i, b_i in zip(a, b, strict=True)
            ]
            result[token] += scale * torch.cat(deltas)
    return result


def assert_close(found: "torch.Tensor", expected: "torch.Tensor") -> None:
    torch.testing.assert_close(found.float(), expected, rtol=0.02, atol=0.05)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("tokens", [1, 8, FEW_TOKENS, 200])
@pytest.mark.parametrize("order", [interleaved, in_blocks])
def test_linear_is_the_reference(layer, batch, tokens, order):
    inputs, outputs = LAYERS[layer]
    ids = order(BATCHES[batch], tokens)
    a, b = stacks(inputs, outputs)
    x, y = torch.randn(tokens, inputs).bfloat16(), torch.randn(tokens, sum(outputs)).bfloat16()
    expected = reference(y, x, a, b, 0.5, ids)
    before = y.clone()

    with torch.inference_mode():
        grouped(ids).add_lora_linear(y, x, a, b, 0.5, outputs)

    assert_close(y, expected)
    base_rows = [token for token, adapter in enumerate(ids) if adapter == BASE]
    assert torch.equal(y[base_rows], before[base_rows])


def test_upstream_gives_base_tokens_the_last_adapter():
    """The bug this plugin is for; when this fails, vLLM has fixed it."""
    inputs, outputs = LAYERS["o"]
    a, b = stacks(inputs, outputs)
    x, y = torch.randn(2, inputs).bfloat16(), torch.randn(2, sum(outputs)).bfloat16()
    as_last_adapter = reference(y, x, a, b, 1.0, [LAST, 1])
    before = y.clone()

    upstream([BASE, 1]).add_lora_linear(y, x, a, b, 1.0, outputs)

    assert not torch.equal(y[0], before[0])
    assert_close(y, as_last_adapter)


def test_agrees_with_upstream_where_upstream_is_right():
    inputs, outputs = LAYERS["qkv"]
    ids = interleaved((1, 2, 3, 4), 32)
    a, b = stacks(inputs, outputs)
    x, ours = torch.randn(32, inputs).bfloat16(), torch.randn(32, sum(outputs)).bfloat16()
    theirs = ours.clone()

    grouped(ids).add_lora_linear(ours, x, a, b, 1.0, outputs)
    upstream(ids).add_lora_linear(theirs, x, a, b, 1.0, outputs)

    assert_close(ours, theirs.float())


@pytest.mark.parametrize("tokens", [4, 100])
def test_a_newly_loaded_adapter_takes_effect(tokens):
    inputs, outputs = LAYERS["qkv"]
    a, b = stacks(inputs, outputs)
    ids = interleaved((1, 2), tokens)
    wrapper = grouped(ids)
    x = torch.randn(tokens, inputs).bfloat16()

    with torch.inference_mode():
        for change in (0, 1):
            # As vLLM's set_lora does: clear the slot, then copy into a part of it.
            b[change][1] = 0
            b[change][1, 0, :100].copy_(torch.randn(100, RANK), non_blocking=True)
            y = torch.zeros(tokens, sum(outputs)).bfloat16()
            wrapper.add_lora_linear(y, x, a, b, 1.0, outputs)
            zeros = torch.zeros(tokens, sum(outputs))
            torch.testing.assert_close(
                y.float(), reference(zeros, x, a, b, 1.0, ids), rtol=0.02, atol=0.3
            )


def test_a_layer_the_adapter_leaves_alone_is_untouched():
    a, b = stacks(576, (576,))
    b[0].zero_()
    y = torch.randn(8, 576).bfloat16()
    before = y.clone()
    grouped([1] * 8).add_lora_linear(y, torch.randn(8, 576).bfloat16(), a, b, 1.0, (576,))
    assert torch.equal(y, before)


@pytest.mark.parametrize("padding", [-64, 0, 64])
def test_logits_use_the_sampled_rows(padding):
    sampled = [BASE, LAST, 1]
    a, b = stacks(576, (1000,))
    x, y = torch.randn(3, 576).bfloat16(), torch.randn(3, 1000 + padding).bfloat16()
    wide = torch.zeros(3, 1000)
    width = min(1000, 1000 + padding)
    expected = y.float().clone()
    expected[:, :width] += reference(wide, x, a, b, 1.0, sampled)[:, :width]

    grouped([BASE] * 50, sampled).add_lora_logits(y, x, a[0], b[0], 1.0)

    assert_close(y, expected)


def test_embedding_expands_only():
    ids = [BASE, 1, LAST, 1]
    _, b = stacks(576, (576,))
    x, y = torch.randn(4, RANK).bfloat16(), torch.randn(4, 576).bfloat16()
    expected = y.float().clone()
    for token, adapter in enumerate(ids):
        if adapter != BASE:
            expected[token] += x[token].float() @ b[0][adapter - 1, 0].float().T

    grouped(ids).add_lora_embedding(y, x, b[0], add_input=True)

    assert_close(y, expected)


@pytest.mark.parametrize("tokens", [5, 100])
@pytest.mark.parametrize("order", [interleaved, in_blocks])
def test_shrink_then_expand_is_linear(tokens, order):
    """The two halves, as fully sharded layers call them, into a part of y."""
    inputs, outputs = LAYERS["qkv"]
    ids = order((BASE, 1, LAST), tokens)
    wrapper = grouped(ids)
    a, b = stacks(inputs, outputs)
    x, y = torch.randn(tokens, inputs).bfloat16(), torch.randn(tokens, sum(outputs) + 7).bfloat16()
    before = y.clone()
    expected = reference(y[:, 7:], x, a, b, 0.5, ids)
    buffers = torch.zeros(3, tokens, RANK)

    wrapper.add_shrink(buffers, x, a, 0.5)
    wrapper.add_expand(y, buffers, b, outputs, offset_start=7, add_inputs=True)

    assert_close(y[:, 7:], expected)
    assert torch.equal(y[:, :7], before[:, :7])


def test_expand_without_inputs_overwrites_only_adapter_rows():
    ids = [BASE, 1]
    _, b = stacks(576, (576,))
    y = torch.ones(2, 576).bfloat16()
    grouped(ids).add_expand(y, (torch.zeros(2, RANK),), b, (576,), add_inputs=False)
    assert torch.equal(y.float(), torch.tensor([[1.0], [0.0]]).expand(2, 576))


def test_rows_that_do_not_fit_the_mapping_are_an_error():
    a, b = stacks(576, (576,))
    x, y = torch.randn(3, 576).bfloat16(), torch.randn(3, 576).bfloat16()
    with pytest.raises(ValueError, match="for 2 rows, the layer got 3"):
        grouped([1, 2]).add_lora_linear(y, x, a, b, 1.0, (576,))


def test_grouping_prefers_views_over_copies():
    size, groups = group_by_slot(torch.tensor([-1, 2, 2, 0, 1, 0]))
    assert size == 6
    assert [slot for slot, _ in groups] == [0, 1, 2]
    assert groups[0][1].tolist() == [3, 5]
    assert groups[1][1] == slice(4, 5)
    assert groups[2][1] == slice(1, 3)
    assert group_by_slot(torch.tensor([3, 3])).groups == [(3, None)]
    assert group_by_slot(torch.tensor([-1, -1])).groups == []


@pytest.fixture
def restored_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = type(current_platform)
    if not current_platform.is_cpu():
        pytest.skip("needs vLLM's CPU platform")
    shipped = classmethod(lambda cls: cpu_lora.UPSTREAM)
    monkeypatch.setattr(platform, "get_punica_wrapper", shipped)


@pytest.mark.usefixtures("restored_platform")
def test_register_makes_vllm_build_our_wrapper():
    for _ in range(2):
        cpu_lora.register()
        wrapper = get_punica_wrapper(64, max_batches=8, device="cpu", lora_config=None)
        assert type(wrapper) is GroupedPunicaWrapper


@pytest.mark.usefixtures("restored_platform")
def test_register_refuses_a_changed_vllm(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(PunicaWrapperCPU, "add_lora_linear", lambda self, y, x: None)
    with pytest.raises(RuntimeError, match=r"add_lora_linear takes \(self y x\).*vLLM 0.32"):
        cpu_lora.register()
    assert current_platform.get_punica_wrapper() == cpu_lora.UPSTREAM


@pytest.mark.usefixtures("restored_platform")
def test_register_leaves_other_platforms_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(current_platform), "is_cpu", lambda self: False)
    cpu_lora.register()
    assert current_platform.get_punica_wrapper() == cpu_lora.UPSTREAM


def test_the_contract_covers_every_method_we_override():
    ours = {name for name in vars(GroupedPunicaWrapper) if not name.startswith("_")}
    assert ours == set(cpu_lora.CONTRACT)
    cpu_lora.check_contract(GroupedPunicaWrapper)
    cpu_lora.check_contract(PunicaWrapperCPU)
