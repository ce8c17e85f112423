"""The LiteLLM proxy, in an environment of its own, as the other side of the comparison."""

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REQUIREMENT = "litellm[proxy]==1.106.2"
INSTALL_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Proxy:
    """How to start the proxy, and the header that lets a client in."""

    command: list[str]
    env: Mapping[str, str | None]
    headers: Mapping[str, str]


def install(folder: Path) -> Path:
    """Create the environment in `folder` unless it is there; return its ``litellm`` command."""
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENT:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
        python = str(folder / "bin" / "python")
        uv = shutil.which("uv")
        pip = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
        subprocess.run([*pip, "--quiet", REQUIREMENT], check=True, timeout=INSTALL_TIMEOUT_S)
        stamp.write_text(REQUIREMENT)
    return folder / "bin" / "litellm"


def configure(litellm: Path, folder: Path, upstream: str, model: str, port: int) -> Proxy:
    """One worker, one model alias, quiet logs; no database, no telemetry, no callbacks.

    It refuses to start without a master key, so it gets one; no database is asked about it.
    """
    key = "sk-" + secrets.token_hex(16)
    params = {"model": f"openai/{model}", "api_base": f"{upstream}/v1", "api_key": "none"}
    settings = {
        "model_list": [{"model_name": model, "litellm_params": params}],
        "litellm_settings": {"telemetry": False, "request_timeout": 60, "num_retries": 0},
        "general_settings": {"master_key": key, "disable_spend_logs": True},
    }
    config = folder / "litellm.yaml"
    config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    listen = ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    env: dict[str, str | None] = {
        "LITELLM_MODE": "PRODUCTION",  # reads no .env file
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "DISABLE_ADMIN_UI": "True",
        "DATABASE_URL": None,
    }
    command = [str(litellm), "--config", str(config), *listen, "--telemetry", "False"]
    return Proxy(command, env, {"authorization": f"Bearer {key}"})
