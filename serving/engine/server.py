"""vLLM's OpenAI server, tied to the life of the gateway: ``python -m serving.engine.server …``."""

import ctypes
import os
import runpy
import signal
import sys

from serving.engine.forked import fork_and_bind

PARENT_PID = "PHILHARMONIC_GATEWAY_PID"
"""The environment variable that names the process we belong to."""

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent dies, however it dies (prctl(2)).

    A gateway that was killed leaves no server behind that holds the port and the memory.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(os.environ[PARENT_PID]):
            sys.exit("the gateway is gone")  # it died before we asked


if __name__ == "__main__":
    die_with_parent()
    fork_and_bind()
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__", alter_sys=True)
