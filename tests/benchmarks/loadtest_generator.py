"""What the load generator itself can do, on one core, against a server that answers at once.

    python -m tests.benchmarks.loadtest_generator

Generator and server get a core each. Aim: 2,000 requests a second with less than 5 % error in
the intended rate.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from serving.engine.client import BASE_MODEL
from tests.benchmarks.loadtest_run import instant_upstream, loadtest, write_workload
from tests.benchmarks.processes import free_port, running, stop_children_on_sigterm

AIM_RATE = 2000
AIM_ERROR = 0.05
SECONDS = 5
RATES = {"route": (500, 1000, AIM_RATE, 3000, 4000), "openai": (250, 500, 1000, AIM_RATE)}
CLOSED = 32


def row(target: str, load: str, report: dict[str, Any]) -> list[str]:
    """One line of the table."""
    health = report["generator"]
    error = health["rate_error"]
    return [
        target,
        load,
        f"{report['request_throughput']:,.0f}",
        "" if error is None else f"{error:.2%}",
        f"{health['send_lag']['p50_ms']:.2f} / {health['send_lag']['p99_ms']:.2f}",
        f"{report['latency']['e2el']['p50_ms']:.2f}",
        f"{health['cpu_share']:.0%}",
        "yes" if health["is_bottleneck"] else "",
        str(report["failed"]),
    ]


def main() -> None:
    """Measure, print the table; exit code 1 if the aim is missed."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None).parse_args()
    stop_children_on_sigterm()
    table = Table(
        "target", "intended /s", "answered /s", "rate error", "send lag p50 / p99 ms",
        "E2EL p50 ms", "CPU", "warned", "failed",
    )  # fmt: skip
    aim_met = False
    with tempfile.TemporaryDirectory(prefix="bench-loadtest-") as name:
        folder = Path(name)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = ["taskset", "--cpu-list", "1", *instant_upstream(port)]
        workload = write_workload(folder / "workload.jsonl", ["Hello there."], BASE_MODEL)
        common = ["--url", url, "--workload", str(workload), "--count", "100000"]
        common += ["--arrivals", "constant", "--duration", f"{SECONDS}s"]
        with running("upstream", command, folder / "upstream.log") as upstream:
            upstream.wait_until_200(f"{url}/health", 30)
            for target, rates in RATES.items():
                for rate in rates:
                    options = [*common, "--target", target, "--rate", str(rate)]
                    report = loadtest(options, folder / "report", core=0)
                    table.add_row(*row(target, f"{rate:,}", report))
                    if target == "route" and rate == AIM_RATE:
                        aim_met = report["generator"]["rate_error"] < AIM_ERROR
                options = [*common, "--target", target, "--concurrency", str(CLOSED)]
                report = loadtest(options, folder / "report", core=0)
                table.add_row(*row(target, f"closed, {CLOSED} users", report))
    Console(width=130).print(table)
    print(f"aim of {AIM_RATE:,}/s within {AIM_ERROR:.0%}: {'met' if aim_met else 'MISSED'}")
    sys.exit(0 if aim_met else 1)


if __name__ == "__main__":
    main()
