"""On CPU, vLLM's processes are forks of one that has imported everything.

vLLM's server is three processes: API server, engine core and worker. It spawns them on CPU, so
each imports torch and vLLM anew, one after the other, because the worker's OpenMP must find its
number of threads and its libraries in the environment when it is loaded. Here they are there from
the beginning, so the processes can be forked, as vLLM does by default on GPUs.
"""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

_METHOD = "VLLM_WORKER_MULTIPROC_METHOD"


def fork_environment(cores: int) -> dict[str, str]:
    """What vLLM's CPU platform would set for a spawned worker, for all of its processes.

    Args:
        cores: threads of the worker's OpenMP. They are not bound to cores: a fork inherits the
            binding of the API server, whose only thread would have to stay on the first core.
    """
    preload = [os.environ.get("LD_PRELOAD", ""), *map(str, _libraries())]
    return {
        _METHOD: "fork",
        "OMP_NUM_THREADS": str(cores),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "LD_PRELOAD": ":".join(filter(None, preload)),
    }


def keep_forking() -> None:
    """Make vLLM's CPU platform leave the start method as `fork_environment` has it.

    Called before vLLM reads its configuration; nothing happens on other platforms.
    """
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        return
    platform = type(current_platform)
    upstream = platform.check_and_update_config

    def check_and_update_config(cls: type, vllm_config: object) -> None:
        upstream(vllm_config)  # sets "spawn", whatever there was
        os.environ[_METHOD] = "fork"

    setattr(platform, "check_and_update_config", classmethod(check_and_update_config))  # noqa: B010


def _libraries() -> Iterator[Path]:
    """tcmalloc, and the OpenMP that torch came with (vLLM preloads the same two)."""
    for package, patterns in (
        ("vllm", ["libs/libtcmalloc_minimal*.so*"]),
        ("torch", ["../torch.libs/libgomp*.so*", "lib/libgomp*.so*"]),
    ):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        found = [path for p in patterns for path in sorted(Path(spec.origin).parent.glob(p))]
        yield from found[:1]
