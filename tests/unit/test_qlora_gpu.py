"""The parts of the GPU benchmark, with a model small enough for a CPU."""

from pathlib import Path

import pytest
import torch
from transformers import Phi3Config

from tests.benchmarks import qlora_gpu


def tiny() -> Phi3Config:
    return Phi3Config(
        vocab_size=300,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=128,
        original_max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=257,
        pad_token_id=257,
    )


def test_it_measures_a_qlora_run(tmp_path: Path) -> None:
    found = qlora_gpu.measured(tiny(), tmp_path, batch=2, length=32, steps=4, warm_up=1)
    assert found["tokens_per_s"] == pytest.approx(2 * 32 / found["seconds_per_step"])
    work = qlora_gpu.work_of(tiny(), qlora_gpu.ADAPTER.r)
    per_step = found["flops"] * found["seconds_per_step"]
    assert per_step == pytest.approx(2 * work.per_row(32, 8))
    assert (tmp_path / "run" / "adapter" / "adapter_model.safetensors").exists()


def test_the_work_is_counted_by_hand() -> None:
    work = qlora_gpu.work_of(tiny(), rank=16)
    shapes = [(64, 192), (64, 64), (64, 256), (128, 64)]  # qkv, o, gate and up, down
    assert work.linear == 2 * sum(a * b for a, b in shapes)
    assert work.adapter == 2 * 16 * sum(a + b for a, b in shapes)
    attention = 12 * 2 * 64 * 32 / 2
    expected = 32 * (4 * work.linear + 6 * work.adapter + attention) + 4 * 300 * 64 * 8
    assert work.per_row(32, 8) == expected


def test_the_base_has_phi_3_minis_size() -> None:
    work = qlora_gpu.work_of(qlora_gpu.phi3_mini(), rank=16)
    assert work.linear + 2 * work.output == pytest.approx(3.82e9, rel=0.001)


def test_warm_up_and_checkpoints_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    at = [90, 100, 100.5, 101, 109, 109.5]  # the fifth step came after a checkpoint
    lines = [f'{{"step": {step}, "seconds": {seconds}}}' for step, seconds in enumerate(at, 1)]
    path.write_text("\n".join(lines))
    assert qlora_gpu.seconds_per_step(path, warm_up=2) == 0.5
    with pytest.raises(ValueError, match="6 steps are too few"):
        qlora_gpu.seconds_per_step(path, warm_up=6)


def test_devices_are_known_by_their_names() -> None:
    assert qlora_gpu.peak_tflops("NVIDIA H100 PCIe") == 756
    assert qlora_gpu.peak_tflops("NVIDIA A100-SXM4-80GB") == 312
    assert qlora_gpu.peak_tflops("NVIDIA L40S") == 362
    assert qlora_gpu.peak_tflops("GeForce GT 710") is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so() -> None:
    with pytest.raises(SystemExit, match="no GPU with bfloat16 here"):
        qlora_gpu.main([])
