"""Adapter folders: what may be in one, and whether it is what it claims to be.

An adapter is PEFT's ``adapter_config.json`` with ``adapter_model.safetensors``, and the
``manifest.json`` its training run wrote. Nothing is unpickled and torch is not needed: the
header of a safetensors file is JSON after its length (8 bytes, little endian).
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.errors import ArtifactError

WEIGHTS = "adapter_model.safetensors"
PEFT_CONFIG = "adapter_config.json"
MANIFEST = "manifest.json"
FILES = (WEIGHTS, PEFT_CONFIG, MANIFEST)

_MAX_HEADER_BYTES = 10_000_000


def check_adapter(folder: Path, max_rank: int) -> str:
    """Check that ``folder`` holds an adapter vLLM can serve; give its weights' sha256.

    Raises:
        ArtifactError: a file is missing or damaged, or vLLM could not serve it (DoRA,
            ``modules_to_save``, trained biases, a rank above ``max_rank``).
    """
    config = _read_json(folder / PEFT_CONFIG)
    refused = {
        "is not a LoRA adapter": config.get("peft_type") != "LORA",
        "uses DoRA, which vLLM does not serve": bool(config.get("use_dora")),
        "has modules_to_save, which vLLM does not serve": bool(config.get("modules_to_save")),
        "has trained biases, which vLLM does not serve": config.get("bias", "none") != "none",
        f"has a rank above the engine's maximum of {max_rank}": _rank(config, folder) > max_rank,
    }
    for reason, applies in refused.items():
        if applies:
            raise ArtifactError(f"{folder}: {reason}")
    _check_tensors(folder / WEIGHTS)
    return sha256_of(folder / WEIGHTS)


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """What the training run wrote about the adapter (config, data hashes, scores)."""
    return _read_json(folder / MANIFEST)


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rank(config: Mapping[str, Any], folder: Path) -> int:
    """The largest rank of any module."""
    ranks: list[int] = [config.get("r", 0), *(config.get("rank_pattern") or {}).values()]
    if not all(isinstance(rank, int) for rank in ranks):
        raise ArtifactError(f"{folder / PEFT_CONFIG}: damaged: its rank is not a number")
    return int(max(ranks))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(
            f"{path}: missing; an adapter folder holds {', '.join(FILES)}"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path}: damaged: {error}") from None
    if not isinstance(document, dict):
        raise ArtifactError(f"{path}: expected a JSON object")
    return document


def _check_tensors(path: Path) -> None:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MAX_HEADER_BYTES:
                raise ValueError("its header is implausibly long")
            header = json.loads(file.read(length))
            header.pop("__metadata__", None)
            end = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; only safetensors adapters are accepted") from None
    except (struct.error, ValueError, TypeError, AttributeError, LookupError) as error:
        raise ArtifactError(f"{path}: not a safetensors file: {error!r}") from None
    foreign = [name for name in header if ".lora_A." not in name and ".lora_B." not in name]
    if foreign or not header:
        raise ArtifactError(f"{path}: holds tensors that are not LoRA's: {foreign[:3]}")
    if path.stat().st_size != 8 + length + end:
        raise ArtifactError(f"{path}: cut off or padded; copy it again")
