"""What makes training on a CPU fast enough; measured in ``docs/log.md``."""

import ctypes
import os
import platform
import shutil
from typing import Any

ATTENTION = "eager"
"""PyTorch's fused attention spends a third of a step in its backward pass on a CPU."""

TOKENS_WORTH_COMPILING = 100_000
"""Below, a run ends sooner without: compiling takes half a minute at its start."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> None:
    """Tell glibc not to give freed tensors back to the kernel (mallopt(3)).

    Every step frees and allocates the same gigabytes; fetching them anew, page by page, costs a
    noticeable part of it.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, value in ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, (1 << 31) - 1)):
            libc.mallopt(option, value)


def give_back_freed_memory() -> None:
    """Return what is free by now to the kernel after all (malloc_trim(3)).

    Tensors of many lengths leave gaps between them that nothing fits into again: without this the
    heap of a run on long rows grows for as long as the run lasts.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def compile_layers(causal_lm: Any) -> bool:
    """Compile the decoder layers, so that their element-wise operations are fused.

    Returns:
        False if this machine has no C++ compiler, which PyTorch needs for it on a CPU.
    """
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        return False
    for layer in causal_lm.model.layers:
        layer.compile(dynamic=True)
    return True
