"""``philharmonic router …``: options, and what is printed.

Nothing heavy is imported before a verb runs, so that ``philharmonic --help`` stays fast.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperCommand

from agents.data import Message
from agents.errors import ConfigError, RouterError
from agents.settings import Settings
from router.targets import Targets

if TYPE_CHECKING:
    from router.artifact import RouterSpec

app = typer.Typer(
    help="Fit, calibrate, judge and question the router.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
out = Console()
err = Console(stderr=True)

_DEFAULTS = Targets()


class _ManyFiles(TyperCommand):
    """Lets one option take every value that follows it: ``--train a.jsonl b.jsonl``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        many = {
            option for parameter in self.params if parameter.multiple for option in parameter.opts
        }
        spread: list[str] = []
        current: str | None = None
        for position, word in enumerate(args):
            if word.startswith("-"):
                current = word if word in many else None
            elif current is not None and args[position - 1] != current:
                spread.append(current)
            spread.append(word)
        return super().parse_args(ctx, spread)


RouterDir = Annotated[
    Path | None,
    typer.Option("--router", help="Folder of a fitted router; default: the one in service."),
]
Data = Annotated[
    list[Path], typer.Option(help="Labelled JSONL; several files may follow, or the option again.")
]
FalseRefusals = Annotated[
    float,
    typer.Option(
        min=0, max=0.5, help="Of turns that fit an agent, the share that may go to the fallback."
    ),
]
FalseHandoffs = Annotated[
    float, typer.Option(min=0, help="Hand-offs per 100 turns that may leave the right agent.")
]
FastPrecision = Annotated[
    float,
    typer.Option(min=0.5, max=0.9999, help="Share right of what the fast path decides alone."),
]

MissedHandoffs = Annotated[
    float,
    typer.Option(min=0.001, max=1, help="Share of hand-offs that the fast path may overlook."),
]


@app.command("fit", cls=_ManyFiles)
def fit(
    train: Annotated[list[Path], typer.Option(help="Labelled JSONL to learn from, several files.")],
    router_dir: Annotated[
        Path | None, typer.Option("--out", help="Folder the router is written to.")
    ] = None,
    calibration: Annotated[
        list[Path] | None,
        typer.Option(help="Held-out rows for the thresholds; without: a part of --train."),
    ] = None,
    fallback: Annotated[
        str | None,
        typer.Option(help="Agent for what fits none; default: general if named, else nobody."),
    ] = None,
    llm_turns: Annotated[
        int,
        typer.Option(
            min=0,
            help="Turns the router LLM is trained on (7 to 25 a second); 0: fast path alone.",
        ),
    ] = 8000,
    false_refusals: FalseRefusals = _DEFAULTS.false_refusals,
    false_handoffs: FalseHandoffs = _DEFAULTS.false_handoffs_per_100_turns,
    fast_precision: FastPrecision = _DEFAULTS.fast_precision,
    missed_handoffs: MissedHandoffs = _DEFAULTS.missed_handoffs,
) -> None:
    """Fit a router on any labelled JSONL: fast path, router LLM, calibration, thresholds.

    A row is a request, {"text", "domain"}, or a conversation, {"turns": [{"role", "content",
    "domain"}]} with the domain on the user's turns. The domains are the agents; "none" is out of
    scope. An "intent" beside a domain makes the fast path better.

    A fitted router's adapter is kept and only the rest is fitted again. Killed? The same command
    goes on where it was.

    Example: philharmonic router fit --train train.jsonl oos.jsonl --out var/mine --llm-turns 0
    """
    from training.fit_router import make_router

    settings = _settings(router_dir)
    targets = _targets(false_refusals, false_handoffs, fast_precision, missed_handoffs)
    spec = make_router(
        train,
        calibration or [],
        settings,
        fallback=fallback,
        llm_turns=llm_turns,
        targets=targets,
        console=err,
    )
    _show_spec(spec, settings.router_dir)


@app.command("calibrate", cls=_ManyFiles)
def calibrate(
    data: Data,
    router_dir: Annotated[
        Path | None,
        typer.Option("--router", help="Folder of the router; default: the shipped one."),
    ] = None,
    false_refusals: FalseRefusals = _DEFAULTS.false_refusals,
    false_handoffs: FalseHandoffs = _DEFAULTS.false_handoffs_per_100_turns,
    fast_precision: FastPrecision = _DEFAULTS.fast_precision,
    missed_handoffs: MissedHandoffs = _DEFAULTS.missed_handoffs,
) -> None:
    """Set weights and thresholds of a fitted router anew, from targets and held-out rows.

    The models stay as they are. The rows must not be those the router was trained on.

    Example: philharmonic router calibrate --data held-out.jsonl --false-refusals 0.02
    """
    from training.fit_router import calibrate_router

    settings = _settings(router_dir)
    targets = _targets(false_refusals, false_handoffs, fast_precision, missed_handoffs)
    _show_spec(calibrate_router(data, settings, targets, err), settings.router_dir)


@app.command("eval", cls=_ManyFiles)
def evaluate(
    data: Data,
    router_dir: RouterDir = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole report here.")
    ] = None,
    png_file: Annotated[
        Path | None,
        typer.Option("--png", help="Draw confusion matrix and reliability here."),
    ] = None,
) -> None:
    """Judge a fitted router: accuracy, out of scope, hand-offs, calibration, typos, cost.

    The router's own earlier decisions are fed back as the current agent, as in service. Shares
    come with 95 % intervals. Domains the router was not fitted for are left out, and named.

    Example: philharmonic router eval --router var/mine --data test.jsonl --json report.json
    """
    from training.fit_router import evaluate_router

    for file in filter(None, (json_file, png_file)):
        if not file.parent.is_dir():
            raise ConfigError(f"{file}: there is no folder {file.parent}; make it first")
    report = evaluate_router(data, _in_service(router_dir), err)
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if png_file is not None:
        from router.figures import draw

        png_file.write_bytes(draw(report))
    _show_report(report)


@app.command("explain")
def explain(
    text: Annotated[str, typer.Argument(help="What the user says.")],
    after: Annotated[
        str | None, typer.Option(help="What the user said before, if anything.")
    ] = None,
    current: Annotated[str | None, typer.Option(help="The agent that answered that.")] = None,
    router_dir: RouterDir = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, as POST /v1/route gives it.")
    ] = False,
) -> None:
    """Say where a message would go, and why: probabilities, stage, threshold, strongest features.

    A weight is what an n-gram adds to the log-odds of the chosen agent against the runner-up on
    the fast path; a negative one speaks for the runner-up.

    Example: philharmonic router explain "and on weekends?" --after "every day at 9" --current cron
    """
    from router.describe import describe
    from router.turns import RoutingTurn
    from training.fit_router import ask_router

    said = [text] if after is None else [after, text]
    turn = RoutingTurn(tuple(Message("user", each) for each in said), current)
    about = describe(*ask_router(turn, _in_service(router_dir)))
    if as_json:
        print(json.dumps(about, ensure_ascii=False))
    else:
        _show_decision(about)


@app.command("lint", cls=_ManyFiles)
def lint(
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Labelled JSONL; default: what the router in service learnt from."),
    ] = None,
    tolerate: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of an agent's turns that another one may draw."),
    ] = 0.02,
) -> None:
    """Find agents whose descriptions or examples overlap, with the confusing pairs.

    Exit code 1 if something should be mended: a request labelled with two agents, a description
    that reads like another agent's requests, or a pair confused more often than tolerated.
    """
    from router.lint import lint as check
    from training.fit_router import lint_inputs

    found = check(*lint_inputs(data or [], _in_service(None)))
    table = Table("turns of", "look like", "share", "95 % interval", "such as")
    for pair in found.pairs:
        share = f"{pair.taken / pair.turns:.1%} ({pair.taken} of {pair.turns})"
        example = escape(_short(pair.examples[0]))
        table.add_row(pair.agent, pair.other, share, _interval(pair.interval), example)
    out.print(table)
    faults = found.faults(tolerate)
    if faults:
        raise RouterError("\n".join(faults))
    out.print("nothing overlaps more than tolerated")


def _settings(router_dir: Path | None) -> Settings:
    return Settings() if router_dir is None else Settings(router_dir=router_dir)


def _in_service(router_dir: Path | None) -> Settings:
    """With the router that is asked about; without one, that of a server on this home folder."""
    from training.fit_router import in_service

    settings = _settings(router_dir)
    return in_service(settings) if router_dir is None else settings


def _targets(
    false_refusals: float, false_handoffs: float, fast_precision: float, missed_handoffs: float
) -> Targets:
    return Targets(
        false_refusals=false_refusals,
        false_handoffs_per_100_turns=false_handoffs,
        fast_precision=fast_precision,
        missed_handoffs=missed_handoffs,
    )


def _show_spec(spec: "RouterSpec", folder: Path) -> None:
    stages = Table("stage", "accuracy", "calibration error", title="on the held-out turns")
    for stage, scores in spec.scores.items():
        stages.add_row(stage, f"{scores['accuracy']:.1%}", f"{scores['ece']:.4f}")
    policy, targets = spec.policy, spec.targets
    alone = "never" if policy.fast_threshold is None else f"from {policy.fast_threshold:.3f}"
    thresholds = Table("threshold", "value", "target it was fitted to")
    thresholds.add_row(
        "the fast path decides alone",
        alone,
        f"{targets.fast_precision:.1%} of those right, {targets.missed_handoffs:.1%} of hand-offs "
        "overlooked",
    )
    thresholds.add_row(
        "lead over the current agent",
        f"{policy.switch_margin:.2f}",
        f"{targets.false_handoffs_per_100_turns} false hand-offs per 100 turns",
    )
    thresholds.add_row(
        f"{spec.fallback} answers below",
        f"{policy.floor:.3f}" if policy.floor else "never",
        f"{targets.false_refusals:.1%} of in-scope turns refused",
    )
    out.print(stages)
    out.print(thresholds)
    out.print(f"{folder}: a router for {', '.join(spec.agents)}")


def _show_report(report: Mapping[str, Any]) -> None:
    headline = Table("", "", "95 % interval", show_header=True)
    for key, name in _HEADLINES.items():
        value = report[key]
        if value is not None:
            interval = report["intervals_95"].get(key)
            shown = f"{value:.2f}" if key == "false_handoffs_per_100_turns" else _plain(key, value)
            headline.add_row(name, shown, _interval(interval) if interval else "")
    out.print(f"{report['turns']} turns of {report['conversations']} conversations")
    out.print(headline)
    out.print(_stages(report))
    recall = Table("turns of", "right", "most often taken for")
    for agent, share in sorted(report["recall"].items(), key=lambda item: float(item[1])):
        recall.add_row(agent, f"{share:.1%}", _taken_for(agent, report["confusion"][agent]))
    out.print(recall)
    if report["left_out"]:
        counted = ", ".join(f"{name} ({turns} turns)" for name, turns in report["left_out"].items())
        out.print(f"[yellow]left out[/]: conversations about domains it does not know: {counted}")


def _stages(report: Mapping[str, Any]) -> Table:
    table = Table("stage", "decides", "right when it does", "p50", "p95")
    for stage, share in report["stage_share"].items():
        times = report["latency_ms"][stage]
        right = f"{report['stage_accuracy'][stage]:.1%}"
        table.add_row(
            stage, f"{share:.1%}", right, f"{times['p50']:.2f} ms", f"{times['p95']:.2f} ms"
        )
    times = report["latency_ms"]
    table.add_row("all", "100.0%", "", f"{times['p50']:.2f} ms", f"{times['p95']:.2f} ms")
    return table


def _show_decision(about: Mapping[str, Any]) -> None:
    threshold = about["threshold"]
    alone = "never decides alone" if threshold is None else f"decides alone from {threshold:.3f}"
    stage, took = about["stage"], about["milliseconds"]
    out.print(
        f"[bold]{about['agent']}[/], {about['confidence']:.1%} sure, decided by {stage} "
        f"in {took:.1f} ms (the fast path {alone})"
    )
    out.print(
        f"another agent must be {math.exp(about['switch_margin']):.1f} times as likely as the "
        f"current one; below {about['floor']:.1%} the fallback answers"
    )
    table = Table("agent", "calibrated", *about["evidence"])
    for agent, probability in sorted(about["probabilities"].items(), key=lambda item: -item[1]):
        said = [f"{each.get(agent, 0.0):.3f}" for each in about["evidence"].values()]
        table.add_row(agent, f"{probability:.3f}", *said)
    out.print(table)
    features = Table("block", "feature", f"for {about['agent']} against {about['runner_up']}")
    for feature in about["features"]:
        shown = escape(repr(feature["ngram"]))
        features.add_row(feature["block"], shown, f"{feature['weight']:+.2f}")
    out.print(features)


_HEADLINES = {
    "in_scope_accuracy": "in-scope accuracy",
    "turn_accuracy": "turns right",
    "conversation_accuracy": "whole conversations right",
    "handoff_recall": "hand-offs found",
    "false_handoffs_per_100_turns": "false hand-offs per 100 turns",
    "oos_refused": "out-of-scope turns that reach the fallback",
    "oos_recall_at_2pct_false_refusal": "out-of-scope recall at 2 % false refusal",
    "oos_auroc": "out-of-scope AUROC",
    "ece": "expected calibration error",
    "ece_uncalibrated": "the same before calibration",
    "flip_rate_under_typos": "turns that typos send elsewhere",
}
_NOT_SHARES = {"oos_auroc", "ece", "ece_uncalibrated"}


def _plain(key: str, value: float) -> str:
    return f"{value:.4f}" if key in _NOT_SHARES else f"{value:.1%}"


def _interval(interval: Sequence[float]) -> str:
    return f"{interval[0]:.1%} to {interval[1]:.1%}"


def _taken_for(agent: str, row: Mapping[str, int]) -> str:
    others = {name: count for name, count in row.items() if name != agent and count}
    most = sorted(others.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{name} ({count})" for name, count in most)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
