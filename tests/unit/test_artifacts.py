import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from agents.artifacts import (
    FILES,
    MANIFEST,
    PEFT_CONFIG,
    WEIGHTS,
    check_adapter,
    read_manifest,
    sha256_of,
)
from agents.errors import ArtifactError
from tests.unit.adapter_folder import TENSOR, write_adapter

MAX_RANK = 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "adapter")


def refused(folder: Path, reason: str) -> None:
    with pytest.raises(ArtifactError, match=reason):
        check_adapter(folder, MAX_RANK)


def test_a_good_adapter_is_known_by_its_weights(folder: Path) -> None:
    assert check_adapter(folder, MAX_RANK) == sha256_of(folder / WEIGHTS)
    assert read_manifest(folder)["scores"] == {"adapter": 0.9, "base": 0.0}


@pytest.mark.parametrize(
    ("peft", "reason"),
    [
        ({"peft_type": "IA3"}, "is not a LoRA adapter"),
        ({"use_dora": True}, "uses DoRA, which vLLM does not serve"),
        ({"modules_to_save": ["lm_head"]}, "has modules_to_save"),
        ({"bias": "all"}, "has trained biases"),
        ({"r": 17}, "has a rank above the engine's maximum of 16"),
        ({"rank_pattern": {"down_proj": 32}}, "has a rank above the engine's maximum of 16"),
        ({"r": "8"}, "its rank is not a number"),
    ],
)
def test_what_vllm_cannot_serve_is_refused(
    tmp_path: Path, peft: dict[str, Any], reason: str
) -> None:
    refused(write_adapter(tmp_path / "adapter", **peft), reason)


@pytest.mark.parametrize("name", [WEIGHTS, PEFT_CONFIG])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refused(folder, f"{name}: missing")


def test_a_missing_manifest_is_named(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    with pytest.raises(ArtifactError, match=f"missing; an adapter folder holds {FILES[0]}"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "damaged"),
        (b"\xff", "damaged"),
        (b"[]", "expected a JSON object"),
    ],
)
def test_a_broken_config_is_refused(folder: Path, content: bytes, reason: str) -> None:
    (folder / PEFT_CONFIG).write_bytes(content)
    refused(folder, reason)


def safetensors(header: object, data: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a safetensors file"),
        (b"\x00" * 4, "not a safetensors file"),
        (b"\x80\x05pickle....", "not a safetensors file"),
        (struct.pack("<Q", 5) + b"\xff\xff\xff\xff\xff", "not a safetensors file"),
        (safetensors([1, 2]), "not a safetensors file"),
        (safetensors({TENSOR: {"dtype": "F32"}}), "not a safetensors file"),
        (safetensors({}), "not LoRA's"),
        (safetensors({"__metadata__": {"format": "pt"}}), "not LoRA's"),
    ],
)
def test_broken_weights_are_refused(folder: Path, content: bytes, reason: str) -> None:
    (folder / WEIGHTS).write_bytes(content)
    refused(folder, reason)


def test_foreign_tensors_are_refused(folder: Path) -> None:
    save_file({"lm_head.weight": np.zeros((2, 2), np.float32)}, folder / WEIGHTS)
    refused(folder, "holds tensors that are not LoRA's: .*lm_head")


@pytest.mark.parametrize("change", [-1, 1])
def test_cut_off_or_padded_weights_are_refused(folder: Path, change: int) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:-1] if change < 0 else content + b"\x00")
    refused(folder, "cut off or padded")


def test_a_pickle_is_not_even_opened(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "adapter_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    refused(folder, "only safetensors adapters are accepted")
