"""What a running Python process spends its time on, by py-spy."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOMS = ("agents/", "router/", "serving/")
RATE_HZ = 200
SHOWN = 12
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*?)(?::\d+)?\)")


@dataclass
class Profile:
    """Samples by what was going on.

    Attributes:
        samples: how many found a thread at work.
        by_function: samples by the innermost function of ours that was running, or by the
            innermost at all where none of ours was.
    """

    samples: int = 0
    by_function: Counter[str] = field(default_factory=Counter)

    def rows(self) -> list[tuple[str, str]]:
        """The functions that take most, each with its share."""
        return [
            (f"{count / self.samples:.1%}", f"`{name}`")
            for name, count in self.by_function.most_common(SHOWN)
        ]

    def read(self, lines: Sequence[str]) -> None:
        """Count collapsed stacks: frames from the outermost on, separated by ``;``, and a count."""
        for line in lines:
            stack, _, count = line.rpartition(" ")
            self.samples += int(count)
            self.by_function[_running(stack.split(";"))] += int(count)


@contextmanager
def profiled(pid: int, seconds: float, stacks: Path) -> Iterator[Profile]:
    """Sample the process for so many seconds, from the beginning of a ``with`` block.

    The profile is filled at the end of the block; ``stacks`` keeps the samples, as flame graphs
    are drawn from.

    Raises:
        RuntimeError: py-spy may not look at the process, or is not there.
    """
    program = Path(sys.executable).with_name("py-spy")
    command = [str(program), "record", "--pid", str(pid), "--duration", f"{seconds:.0f}"]
    command += ["--rate", str(RATE_HZ), "--nonblocking", "--format", "raw"]
    command += ["--output", str(stacks)]
    if not program.exists():
        raise RuntimeError(f"{program}: not there; install the extra `dev`")
    spy = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    profile = Profile()
    try:
        yield profile
    finally:
        said, _ = spy.communicate()
    if spy.returncode:
        raise RuntimeError(f"py-spy: {said[-500:]}")
    profile.read(stacks.read_text(encoding="utf-8").splitlines())


def _running(frames: Sequence[str]) -> str:
    ours = [frame for frame in frames if any(room in frame for room in ROOMS)]
    frame = (ours or frames)[-1]
    found = _FRAME.fullmatch(frame)
    if found is None:
        return frame
    file = found["file"]
    for room in ROOMS:
        if room in file:
            file = file[file.rindex(room) :]
    return f"{file} {found['function']}"
