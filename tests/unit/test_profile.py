import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.profile import Profile, profiled

BUSY = """
def spin():
    while True:
        sum(range(1000))
spin()
"""


def test_samples_go_to_the_innermost_function_of_ours() -> None:
    profile = Profile()
    profile.read(
        [
            "run (asyncio/runners.py:190);chat (serving/gateway/chat.py:40);dumps (json.py:3) 6",
            "run (asyncio/runners.py:190);chat (/x/serving/gateway/chat.py:44) 2",
            "run (asyncio/runners.py:190);select (selectors.py:9) 2",
        ]
    )
    assert profile.rows() == [
        ("80.0%", "`serving/gateway/chat.py chat`"),
        ("20.0%", "`selectors.py select`"),
    ]


def test_a_running_process_is_looked_at(tmp_path: Path) -> None:
    program = tmp_path / "busy.py"
    program.write_text(BUSY)
    busy = subprocess.Popen([sys.executable, str(program)])
    try:
        time.sleep(0.5)
        try:
            with profiled(busy.pid, 1, tmp_path / "stacks.txt") as profile:
                pass
        except RuntimeError as error:
            if "ermission" in str(error):  # no ptrace here, in a container without it say
                pytest.skip(str(error))
            raise
    finally:
        busy.kill()
        busy.wait()
    assert profile.samples > 5
    assert profile.by_function.most_common(1)[0][0].endswith(" spin")
