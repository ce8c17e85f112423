"""One training or adding command at a time on a home folder: they share runs and the router."""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from agents.errors import TrainingError
from training.run import is_main_process


def alone(home: Path) -> AbstractContextManager[None]:
    """Keep others out while the block runs; the kernel lets them in again if we are killed.

    Of several processes that ``accelerate launch`` started, the first one does it for all.

    Raises:
        TrainingError: another command is at work.
    """
    return _locked(home) if is_main_process() else nullcontext()


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "training.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError(
                f"another `philharmonic train` or `add` is at work on {home}: wait for its end"
            ) from None
        yield
