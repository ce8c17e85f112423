"""``philharmonic loadtest``: options, checks, and what is printed.

Nothing heavy is imported before a verb runs, so that ``philharmonic --help`` stays fast.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.errors import ConfigError, LoadTestError
from agents.settings import Settings
from router.loadtest.config import (
    INTERRUPTED,
    ArrivalKind,
    Arrivals,
    Bounds,
    Plan,
    TargetKind,
    WorkloadChoice,
    check_rate,
    parse_duration,
    parse_mix,
    parse_share,
    parse_slo,
)

if TYPE_CHECKING:
    from router.loadtest.generator import Run, Stop
    from router.loadtest.report import RunReport, SweepReport
    from router.loadtest.runner import LoadTest
    from router.loadtest.sweep import SweepPlan
    from router.loadtest.tables import TextTable
    from router.loadtest.target import Target

app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True)

_DEFAULT_RATE = 1.0
_LOAD, _WORDS, _END, _FIND, _REPORT = (
    "How much arrives", "What is said", "Where it ends", "Objectives", "Report",
)  # fmt: skip


@app.callback(invoke_without_command=True)
def loadtest(
    context: typer.Context,
    target: Annotated[
        TargetKind,
        typer.Option(
            help="[b]route[/b]: decisions alone, /v1/route. [b]chat[/b]: whole chats, routed and "
            "streamed. [b]pinned[/b]: chats that name their agent. [b]openai[/b]: any "
            "OpenAI-compatible server, such as vLLM itself."
        ),
    ] = "chat",
    url: Annotated[str, typer.Option(help="The server's root.")] = "http://127.0.0.1:8080",
    api_key: Annotated[
        str | None, typer.Option(help="Key to send; else PHILHARMONIC_API_KEY.", show_default=False)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model of an openai target; {agent} in it becomes the agent that should answer, "
            "as in '{agent}@1'. Default: the server's first."
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Arrivals per second, open loop (default 1). A ramp ends at it, a trace is "
            "stretched to it, a sweep begins with it.",
            rich_help_panel=_LOAD,
        ),
    ] = None,
    arrivals: Annotated[
        ArrivalKind, typer.Option(help="How arrivals are spread.", rich_help_panel=_LOAD)
    ] = "poisson",
    burstiness: Annotated[
        float,
        typer.Option(
            help="Of gamma arrivals: 1 is Poisson, 0.25 comes in bursts.", rich_help_panel=_LOAD
        ),
    ] = 1.0,
    ramp_from: Annotated[
        float, typer.Option(help="Rate at which a ramp begins.", rich_help_panel=_LOAD)
    ] = 0.0,
    trace: Annotated[
        Path | None,
        typer.Option(
            help="Trace to replay: JSONL with a timestamp in seconds a row, and perhaps the turns.",
            rich_help_panel=_LOAD,
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            help="Closed loop: so many users, each waiting for its answer.", rich_help_panel=_LOAD
        ),
    ] = None,
    workload: Annotated[
        Path | None,
        typer.Option(
            help="Labelled JSONL. Default: router/data/eval.jsonl where turns are routed, the "
            "agents' evaluation rows elsewhere.",
            rich_help_panel=_WORDS,
        ),
    ] = None,
    conversations: Annotated[
        bool | None,
        typer.Option(
            "--conversations/--single",
            help="Whole conversations, each turn after the last answer, or single turns. "
            "Default: conversations for chat, single turns elsewhere.",
            rich_help_panel=_WORDS,
            show_default=False,
        ),
    ] = None,
    mix: Annotated[
        str,
        typer.Option(
            help="Which agents: file, uniform, zipf[:EXPONENT], identical[:AGENT].",
            rich_help_panel=_WORDS,
        ),
    ] = "file",
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Longest answer; else the agent decides.", rich_help_panel=_WORDS),
    ] = None,
    fallback: Annotated[
        str,
        typer.Option(help="Agent of turns labelled 'none'.", rich_help_panel=_WORDS),
    ] = "general",
    seed: Annotated[
        int, typer.Option(min=0, help="Of arrivals and mixes.", rich_help_panel=_WORDS)
    ] = 0,
    duration: Annotated[
        str, typer.Option(help="How long arrivals come.", rich_help_panel=_END)
    ] = "30s",
    count: Annotated[
        int, typer.Option(help="Most arrivals; a conversation is one.", rich_help_panel=_END)
    ] = 10_000,
    timeout: Annotated[
        str, typer.Option(help="Longest a turn may take.", rich_help_panel=_END)
    ] = "60s",
    slo: Annotated[
        str | None,
        typer.Option(
            help="Objectives, such as ttft=500ms,e2el=5s,accuracy=0.95. Keys: ttft, tpot, e2el, "
            "accuracy, and goodput: the share of turns that must keep to the times (0.95).",
            rich_help_panel=_FIND,
        ),
    ] = None,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep", help="Find the highest rate that meets --slo.", rich_help_panel=_FIND
        ),
    ] = False,
    max_rate: Annotated[
        float, typer.Option(help="Highest rate a sweep tries.", rich_help_panel=_FIND)
    ] = 1000.0,
    tolerance: Annotated[
        str, typer.Option(help="How exactly the knee is wanted.", rich_help_panel=_FIND)
    ] = "10%",
    trials: Annotated[
        int,
        typer.Option(min=1, help="Most trials of a rate that is in doubt.", rich_help_panel=_FIND),
    ] = 3,
    budget: Annotated[
        str, typer.Option(help="A sweep begins no trial after so long.", rich_help_panel=_FIND)
    ] = "10m",
    engine_metrics: Annotated[
        str | None,
        typer.Option(
            help="Root of the vLLM server, to record its queue from /metrics.",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    cold_load: Annotated[
        bool,
        typer.Option(
            "--cold-load",
            help="First measure what a cold adapter costs, by taking each agent out of service "
            "for a moment. Not for a server that others use.",
            rich_help_panel=_REPORT,
        ),
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder of the report; else var/loadtest/TIME.", rich_help_panel=_REPORT
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print the report's JSON and nothing else.", rich_help_panel=_REPORT
        ),
    ] = False,
) -> None:
    """Put a server under load: latency and routing accuracy in one report.

    Arrivals follow a schedule whether or not the server keeps up, and every latency counts from
    the moment a turn was [i]due[/i], so a server that stalls cannot hide it. Writes report.json,
    requests.csv, report.html and plot.png.

    [b]Examples[/b]

    30 seconds of whole conversations, one arriving each second:
    [cyan]philharmonic loadtest[/cyan]

    Routing alone, 50 turns a second in bursts:
    [cyan]philharmonic loadtest --target route --rate 50 --arrivals gamma --burstiness 0.25[/cyan]

    The highest rate that holds what you promised:
    [cyan]philharmonic loadtest --sweep --slo ttft=500ms,e2el=5s,accuracy=0.95[/cyan]

    vLLM itself, the adapters asked for unevenly:
    [cyan]philharmonic loadtest --target openai --url http://127.0.0.1:8000 --model '{agent}@1'
    --mix zipf --rate 5[/cyan]

    In CI, against a report that was kept:
    [cyan]philharmonic loadtest compare base/report.json new/report.json --max-regression 10%[/cyan]

    Exit code 0: fine. 1: objectives missed, nothing answered, or cut short. 2: wrong options.
    """
    if context.invoked_subcommand is not None:
        return
    from router.loadtest.target import Target

    if cold_load and target not in ("chat", "pinned"):
        raise ConfigError("--cold-load needs the gateway: --target chat or pinned")
    if model is not None and target != "openai":
        raise ConfigError("--model is for --target openai; other targets know their models")
    settings = Settings()
    key = api_key or (settings.api_key.get_secret_value() if settings.api_key else None)
    whole = target == "chat" if conversations is None else conversations
    choice = WorkloadChoice(workload, whole, parse_mix(mix), trace)
    plan = _plan(
        arrivals if trace is None else "trace",
        rate,
        burstiness,
        ramp_from,
        concurrency,
        Bounds(parse_duration(duration), count, parse_duration(timeout)),
        seed,
        slo,
    )
    if arrivals == "trace" and trace is None:
        raise ConfigError("--arrivals trace needs the trace: --trace FILE")
    if plan.slo is not None and plan.slo.accuracy is not None and target not in ("route", "chat"):
        raise ConfigError(f"--slo accuracy: nothing is routed with --target {target}; leave it out")
    how = _sweep_plan(max_rate, tolerance, trials, budget) if sweep else None
    where = Target(target, url.rstrip("/"), key, model, max_tokens)
    folder = folder or _default_folder(settings.home)
    _execute(
        _Asked(where, choice, plan, how, engine_metrics, cold_load, fallback, folder, as_json),
        settings,
    )


@dataclass(frozen=True)
class _Asked:
    """The options once they are understood."""

    target: "Target"
    choice: WorkloadChoice
    plan: Plan
    sweep: "SweepPlan | None"
    engine_metrics: str | None
    cold_load: bool
    fallback: str
    folder: Path
    as_json: bool


def _plan(
    kind: ArrivalKind,
    rate: float | None,
    burstiness: float,
    ramp_from: float,
    concurrency: int | None,
    bounds: Bounds,
    seed: int,
    slo: str | None,
) -> Plan:
    objectives = None if slo is None else parse_slo(slo)
    if concurrency is not None:
        if rate is not None or kind == "trace":
            raise ConfigError("--concurrency is a closed loop: leave out --rate and --trace")
        return Plan(None, concurrency, bounds, seed, objectives)
    if rate is None and kind != "trace":
        rate = _DEFAULT_RATE
    return Plan(Arrivals(kind, rate, burstiness, ramp_from), None, bounds, seed, objectives)


def _sweep_plan(max_rate: float, tolerance: str, trials: int, budget: str) -> "SweepPlan":
    from router.loadtest.sweep import SweepPlan

    check_rate(max_rate)
    width = parse_share("--tolerance", tolerance)
    if not 0.01 <= width <= 1:
        raise ConfigError(f"--tolerance {tolerance}: give 1% to 100%")
    return SweepPlan(max_rate, width, trials, parse_duration(budget))


def _default_folder(home: Path) -> Path:
    return home / "loadtest" / datetime.now().strftime("%Y-%m-%dT%H-%M-%S")


def _execute(asked: _Asked, settings: Settings) -> None:
    from router.loadtest.files import make_folder
    from router.loadtest.runner import in_event_loop, prepare

    make_folder(asked.folder)

    async def work(interrupted: "Stop") -> "RunReport | SweepReport":
        test = await prepare(
            asked.target, asked.choice, settings.agents_dir, asked.fallback, asked.engine_metrics
        )
        if asked.sweep is not None:
            return await _sweep(test, asked, asked.sweep, interrupted)
        return await _run(test, asked, interrupted)

    report = in_event_loop(work)
    if asked.as_json:
        print(report.model_dump_json())
    else:
        _show(report)
        out.print(f"Report: {asked.folder / 'report.html'}", highlight=False, soft_wrap=True)
    _judge(report)


async def _run(test: "LoadTest", asked: _Asked, interrupted: "Stop") -> "RunReport":
    from router.loadtest.cold import measure_cold_loads
    from router.loadtest.files import write_run
    from router.loadtest.live import live_display

    cold = await measure_cold_loads(test.target, test.workload) if asked.cold_load else []
    run, kept_up = await test.run(asked.plan, live_display(err, ""), interrupted)
    report = test.report(run, kept_up, asked.plan, cold)
    write_run(asked.folder, report, run.records)
    return report


async def _sweep(
    test: "LoadTest", asked: _Asked, how: "SweepPlan", interrupted: "Stop"
) -> "SweepReport":
    from router.loadtest import report as r
    from router.loadtest.files import write_sweep
    from router.loadtest.live import live_display
    from router.loadtest.summary import machine, now
    from router.loadtest.sweep import Sweep, knee

    async def run_at(plan: Plan, stop: "Stop") -> "tuple[Run, r.Health]":
        rate = plan.arrivals.rate if plan.arrivals else None
        return await test.run(plan, live_display(err, f"{rate:.3g}/s · "), stop)

    def tell(point: "r.Point") -> None:
        if err.is_terminal:
            doubt = "" if point.certain else " (by its point estimate)"
            good = f"{point.goodput_share:.1%} good"
            err.print(f"{point.rate:.3g}/s: {point.verdict}{doubt}, {good}", highlight=False)

    search = Sweep(asked.plan, how, run_at, test.target.routes, interrupted, tell)
    reason = await search.search()
    if not search.points:
        raise LoadTestError(f"the sweep measured nothing: {reason}")
    found, missed_from = knee(search.points)
    report = r.SweepReport(
        created=now(),
        settings=test.settings(asked.plan),
        machine=machine(),
        knee=found,
        missed_from=missed_from,
        ended_because=reason,
        points=search.points,
    )
    write_sweep(asked.folder, report)
    return report


def _show(report: "RunReport | SweepReport") -> None:
    from router.loadtest.tables import run_tables, sweep_table

    if report.kind == "run":
        for table in run_tables(report):
            out.print(_rendered(table))
        return
    out.print(_rendered(sweep_table(report)))
    found = "No rate met the objectives" if report.knee is None else f"Knee: {report.knee:.3g}/s"
    out.print(f"{found}; the search ended because {report.ended_because}.", highlight=False)


def _rendered(table: "TextTable") -> Table:
    shown = Table(
        title=escape(table.title),
        title_justify="left",
        show_header=any(table.columns),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for position, column in enumerate(table.columns):
        shown.add_column(
            escape(column), justify="left" if position == 0 else "right", overflow="fold"
        )
    for row in table.rows:
        shown.add_row(*(escape(cell) for cell in row))
    return shown


def _judge(report: "RunReport | SweepReport") -> None:
    """Say what is wrong with the result; exit code 1 if that makes it a failure."""
    if report.kind == "sweep":
        if any(point.generator_was_bottleneck for point in report.points):
            _warn("the generator was itself the bottleneck at some rates (report.json says which)")
        if report.ended_because == INTERRUPTED:
            raise LoadTestError("the sweep was interrupted")
        if report.knee is None:
            raise LoadTestError("no rate met the objectives")
        return
    for warning in report.generator.warnings:
        _warn(f"the generator was itself the bottleneck: {warning}; do not trust the latencies")
    if report.cut_short is not None:
        raise LoadTestError(f"the run was cut short: {report.cut_short}")
    if not report.completed:
        error = report.errors[0]
        raise LoadTestError(
            f"none of {report.failed} turns was answered: {error.kind}: {error.example}"
        )
    if report.slo is not None and not report.slo.met:
        raise LoadTestError(f"the objectives were missed: {report.slo.objectives}")


def _warn(text: str) -> None:
    err.print(f"[yellow]Warning:[/] {escape(text)}", highlight=False, soft_wrap=True)


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="report.json to compare with.")],
    after: Annotated[Path, typer.Argument(help="report.json to judge.")],
    max_regression: Annotated[
        str, typer.Option(help="How much worse a latency or a throughput may be.")
    ] = "10%",
    max_share_loss: Annotated[
        str, typer.Option(help="How many points accuracy, goodput and errors may be worse.")
    ] = "1%",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare two runs; exit code 1 if the second is worse beyond the bounds.

    A difference is a regression when it is beyond its bound and its 95 % interval leaves no
    doubt that it is one; what is within the noise of both runs never fails a build.
    """
    from router.loadtest.compare import as_rows, load_run
    from router.loadtest.compare import compare as compared
    from router.loadtest.tables import comparison_table

    bounds = [
        parse_share("--max-regression", max_regression),
        parse_share("--max-share-loss", max_share_loss),
    ]
    if min(bounds) < 0:
        raise ConfigError("--max-regression and --max-share-loss cannot be negative")
    comparison = compared(load_run(before), load_run(after), *bounds)
    if as_json:
        print(json.dumps({"differences": as_rows(comparison.differences),
                          "settings": comparison.settings}))  # fmt: skip
    else:
        out.print(_rendered(comparison_table(comparison)))
    for name, (old, new) in comparison.settings.items():
        _warn(f"the runs differ in {name}: {old} and {new}")
    if comparison.regressions:
        worst = ", ".join(each.measure for each in comparison.regressions)
        raise LoadTestError(f"regression: {worst}")
