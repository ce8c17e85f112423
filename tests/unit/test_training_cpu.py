import platform
import subprocess
import sys

import pytest

from agents.settings import ROOT

PROGRAM = """
from pathlib import Path
from training import cpu

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

cpu.keep_freed_memory()
blocks = [bytearray(1_000_000 + n) for n in range(300)]
full = resident_mb()
kept = blocks[-1]  # the heap cannot shrink from its end
del blocks
gaps = resident_mb()
cpu.give_back_freed_memory()
print(full, gaps, resident_mb())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_kept_until_it_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    full, gaps, trimmed = map(float, done.stdout.split())
    assert gaps > full - 20  # megabytes
    assert trimmed < full - 250
