"""On CPU, vLLM's processes are forks of one that has imported everything.

vLLM's server is three processes: API server, engine core and worker. It spawns them on CPU, so
each imports torch and vLLM anew, one after the other, because the worker's OpenMP must find its
number of threads and its libraries in the environment when it is loaded. Here they are there from
the beginning, so the processes can be forked, as vLLM does by default on GPUs. The one thing that
cannot be inherited, each OpenMP thread's own core, the worker sees to itself.
"""

import ctypes
import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

_METHOD = "VLLM_WORKER_MULTIPROC_METHOD"


def fork_environment(cores: int) -> dict[str, str]:
    """What vLLM's CPU platform would set for a spawned worker, for all of its processes.

    Args:
        cores: threads of the worker's OpenMP.
    """
    preload = [os.environ.get("LD_PRELOAD", ""), *map(str, _libraries())]
    return {
        _METHOD: "fork",
        "OMP_NUM_THREADS": str(cores),
        # Not by the environment: the API server's only thread would stay on the first core.
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "LD_PRELOAD": ":".join(filter(None, preload)),
    }


def fork_and_bind() -> None:
    """Make vLLM fork its processes on CPU, and its worker bind its OpenMP threads.

    Called before vLLM reads its configuration; nothing happens on other platforms.
    """
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        return
    from vllm.v1.worker.cpu_worker import CPUWorker

    platform = type(current_platform)
    upstream_update = platform.check_and_update_config
    upstream_init = CPUWorker.init_device

    def check_and_update_config(cls: type, vllm_config: object) -> None:
        upstream_update(vllm_config)  # sets "spawn", whatever there was
        os.environ[_METHOD] = "fork"

    def init_device(self: object) -> None:
        bind_openmp_threads(sorted(os.sched_getaffinity(0)))
        upstream_init(self)

    setattr(platform, "check_and_update_config", classmethod(check_and_update_config))  # noqa: B010
    setattr(CPUWorker, "init_device", init_device)  # noqa: B010


def bind_openmp_threads(cores: Sequence[int]) -> None:
    """Keep each OpenMP thread of the calling thread's team on a core of its own.

    Two threads that wait for each other after every product must not share a core, which Linux
    lets happen whenever something else runs (an engine of two cores then gives a third fewer
    tokens). ``GOMP_CPU_AFFINITY`` does the same, but for a process's first thread and when the
    library is loaded, that is, before the fork. Entry points: libgomp's manual, "libgomp ABI".

    Raises:
        OSError: a core does not exist, or is not ours to run on.
    """
    gomp = ctypes.CDLL(None)
    failures: list[OSError] = []

    def bind(_: object) -> None:
        try:
            os.sched_setaffinity(0, {cores[gomp.omp_get_thread_num()]})
        except OSError as error:  # nothing may be raised through C
            failures.append(error)

    on_every_thread = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(bind)
    gomp.GOMP_parallel(on_every_thread, None, len(cores), 0)
    if failures:
        raise failures[0]


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
