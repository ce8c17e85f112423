"""Time to first token with and without speculation, and the tokens it wastes.

    python -m tests.benchmarks.speculation

Starts vLLM and two gateways in front of it, one that speculates and one that does not. The same
conversations (the router's held-out ones written by hand, its own answers fed back) are played
to both, turn by turn, the two in alternating order. About three minutes on two idle cores.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from agents.settings import ROOT
from router.turns import LabelledConversation, load_labelled
from tests.benchmarks.processes import free_port, running, stop_children_on_sigterm

CHAT = "/v1/chat/completions"
START_TIMEOUT_S = 200.0
WITHOUT, WITH = "without", "with"


@dataclass(frozen=True)
class Heard:
    """One streamed turn, as its client saw it."""

    gateway: str
    stage: str
    speculation: str | None
    first_token_ms: float
    tokens: int


@contextmanager
def gateways(cache: Path) -> Iterator[dict[str, httpx.Client]]:
    """Both, ready, over one vLLM server."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-speculation-")))
        engine_port = free_port()
        clients = {}
        for name in (WITHOUT, WITH):
            home = folder / name
            home.mkdir()
            (home / "cache").symlink_to(cache.resolve())
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            command = [sys.executable, "-m", "philharmonic", "serve", "--port", str(port)]
            env = {"PHILHARMONIC_HOME": str(home), "PHILHARMONIC_ENGINE_PORT": str(engine_port)}
            if name == WITH:
                command += ["--engine-url", f"http://127.0.0.1:{engine_port}"]
                env["PHILHARMONIC_SPECULATE"] = "true"
            child = stack.enter_context(running(name, command, folder / f"{name}.log", env))
            child.wait_until_200(f"{url}/readyz", START_TIMEOUT_S)
            clients[name] = stack.enter_context(httpx.Client(base_url=url, timeout=120))
        yield clients


def play(
    clients: Mapping[str, httpx.Client],
    conversations: Sequence[LabelledConversation],
    until: float,
) -> list[Heard]:
    """Each conversation to both gateways, as long as there is time."""
    heard: list[Heard] = []
    for number, conversation in enumerate(conversations):
        if time.monotonic() > until:
            break
        ids = dict.fromkeys(clients, "new")
        names = [WITHOUT, WITH] if number % 2 else [WITH, WITHOUT]
        for turn in conversation.turns:
            for name in names:
                one, ids[name] = hear(name, clients[name], turn.turn.text, ids[name])
                heard.append(one)
    return heard


def hear(gateway: str, http: httpx.Client, text: str, conversation_id: str) -> tuple[Heard, str]:
    """One turn; and the id of its conversation."""
    body = {
        "messages": [{"role": "user", "content": text}],
        "conversation_id": conversation_id,
        "max_tokens": 48,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    first: float | None = None
    about: dict[str, Any] = {}
    tokens = 0
    started = time.perf_counter()
    with http.stream("POST", CHAT, json=body) as response:
        for line in response.iter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line[6:])
            about = about or chunk.get("philharmonic", {})
            if first is None and any(c["delta"].get("content") for c in chunk["choices"]):
                first = time.perf_counter()
            tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
    elapsed = ((first or time.perf_counter()) - started) * 1000
    one = Heard(gateway, about["stage"], about.get("speculation"), elapsed, tokens)
    return one, about["conversation_id"]


def wasted(http: httpx.Client) -> int:
    """Tokens that were streamed for nothing so far."""
    families = text_string_to_metric_families(http.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return int(sum(s.value for s in samples if s.name == "philharmonic_wasted_tokens_total"))


def summarise(heard: Sequence[Heard], wasted_tokens: int) -> dict[str, Any]:
    """Milliseconds and counts; `label_read` are the turns where something can be won."""

    def times(gateway: str, stage: str | None) -> dict[str, float]:
        found = sorted(
            each.first_token_ms
            for each in heard
            if each.gateway == gateway and stage in (None, each.stage)
        )
        if not found:
            return {"turns": 0}
        p50, p95 = statistics.median(found), found[min(len(found) - 1, len(found) * 95 // 100)]
        return {"turns": len(found), "p50_ms": round(p50, 1), "p95_ms": round(p95, 1)}

    fates = [each.speculation for each in heard if each.speculation]
    return {
        "label_read": {name: times(name, "label_read") for name in (WITHOUT, WITH)},
        "all_turns": {name: times(name, None) for name in (WITHOUT, WITH)},
        "kept": fates.count("kept"),
        "cancelled": fates.count("cancelled"),
        "wasted_tokens": wasted_tokens,
        "tokens": sum(each.tokens for each in heard if each.gateway == WITH),
    }


def table_of(summary: Mapping[str, Any]) -> Table:
    """Time to first token."""
    table = Table("time to first token", "turns", "p50 ms", "p95 ms")
    for turns in ("label_read", "all_turns"):
        for name in (WITHOUT, WITH):
            row = summary[turns][name]
            cells = [str(row.get(key, "")) for key in ("turns", "p50_ms", "p95_ms")]
            table.add_row(f"{turns.replace('_', ' ')}, {name} speculation", *cells)
    return table


def main() -> None:
    """Measure, print, write the JSON file if one is named."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.speculation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=150.0, help="how long to play")
    parser.add_argument("--cache", type=Path, default=ROOT / "var" / "cache", help="prepared base")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    stop_children_on_sigterm()
    rows = load_labelled(ROOT / "router" / "data" / "calibration.jsonl")
    conversations = [row for row in rows if row.id.startswith("hand-")]
    options.cache.mkdir(parents=True, exist_ok=True)
    try:
        with gateways(options.cache) as clients:
            play(clients, conversations[-1:], time.monotonic() + options.seconds)  # warm up
            before = wasted(clients[WITH])
            until = time.monotonic() + options.seconds
            heard = play(clients, conversations[:-1], until)
            summary = summarise(heard, wasted(clients[WITH]) - before)
    except (RuntimeError, OSError, httpx.HTTPError) as error:
        sys.exit(f"error: {error}")
    console = Console(width=100)
    console.print(table_of(summary))
    console.print(
        f"speculated {summary['kept'] + summary['cancelled']} times, {summary['cancelled']} in "
        f"vain; {summary['wasted_tokens']} tokens wasted beside {summary['tokens']} given out"
    )
    if options.json:
        document = {**summary, "turns": [asdict(each) for each in heard]}
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
