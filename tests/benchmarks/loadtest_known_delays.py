"""Does the load test measure what is known? A server with injected delays says.

    python -m tests.benchmarks.loadtest_known_delays

The server sends the first words of each answer a known time after the request and the other
pieces at known gaps. Aim: every median within 2 % of what was injected.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serving.engine.client import BASE_MODEL
from tests.benchmarks.instant_upstream import PIECES, USAGE
from tests.benchmarks.loadtest_run import instant_upstream, loadtest, write_workload
from tests.benchmarks.processes import free_port, running, stop_children_on_sigterm

AIM = 0.02
DELAYS_MS = ((50.0, 10.0), (200.0, 20.0), (1000.0, 50.0))
RATE = 20
SECONDS = 10


def expected(first_ms: float, gap_ms: float) -> dict[str, float]:
    """What each measure should be, in milliseconds."""
    rest = (PIECES - 1) * gap_ms
    tpot = rest / (USAGE["completion_tokens"] - 1)
    return {"ttft": first_ms, "itl": gap_ms, "tpot": tpot, "e2el": first_ms + rest}


def main() -> None:
    """Measure, print the table; exit code 1 if a median is off."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None).parse_args()
    stop_children_on_sigterm()
    table = Table("injected", "measure", "expected ms", "p50 ms", "off by", "p99 ms")
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="bench-loadtest-") as name:
        folder = Path(name)
        workload = write_workload(folder / "workload.jsonl", ["Hello there."], BASE_MODEL)
        for delays in DELAYS_MS:
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            command = instant_upstream(port, delays)
            with running("upstream", command, folder / "upstream.log") as upstream:
                upstream.wait_until_200(f"{url}/health", 30)
                options = ["--url", url, "--target", "openai", "--workload", str(workload)]
                options += ["--rate", str(RATE), "--duration", f"{SECONDS}s"]
                report = loadtest(options, folder / "report")
            for measure, right in expected(*delays).items():
                found = report["latency"][measure]
                off = found["p50_ms"] / right - 1
                worst = max(worst, abs(off))
                injected = f"{delays[0]:g} ms, then {delays[1]:g} ms"
                cells = [f"{right:.2f}", f"{found['p50_ms']:.2f}", f"{off:+.2%}"]
                table.add_row(injected, measure, *cells, f"{found['p99_ms']:.2f}")
    Console(width=100).print(table)
    print(f"aim of {AIM:.0%}: {'met' if worst <= AIM else 'MISSED'} (worst {worst:.2%})")
    sys.exit(0 if worst <= AIM else 1)


if __name__ == "__main__":
    main()
