"""Make, calibrate, judge and ask a router without a server (``philharmonic router …``).

Label reads are done in this process (`training.label_read.LocalLabelReads`).
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agents.artifacts import PEFT_CONFIG, WEIGHTS, sha256_of
from agents.bases import profile_named
from agents.catalog import load_catalog
from agents.errors import ConfigError, DataError, RouterError
from agents.registry import Registry
from agents.settings import Settings
from router.artifact import (
    ADAPTER_FOLDER,
    SPEC_FILE,
    RouterSpec,
    read_router,
    read_spec,
    write_spec,
)
from router.evaluate import flip_rate, judge, report, split_known
from router.explain import Explanation
from router.extend import added_agents, is_extension_of
from router.fit import calibrate, fit_router, for_agents, label_reads
from router.label_read import LabelReadEngine
from router.router import Decision, Router
from router.targets import Targets
from router.turns import (
    OUT_OF_SCOPE,
    LabelledConversation,
    LabelledTurn,
    RoutingTurn,
    all_turns,
    as_served,
    hold_out,
    load_labelled,
)
from serving.engine.base_model import ensure_base_model
from serving.routers import router_folder
from training.whole import copy_whole

_HELD_OUT = 0.15
#: Where there is no agent of this name, what fits none is refused.
_GENERAL = "general"


class OwnLabelReads:
    """The label reads of a router's own adapter; torch and the base are loaded when first asked.

    It is a `router.label_read.LabelReadEngine`.
    """

    def __init__(self, router_dir: Path, base: str, cache: Path) -> None:
        self._router_dir = router_dir
        self._base = base
        self._cache = cache
        self._engine: LabelReadEngine | None = None
        self.on_read: Callable[[], None] = lambda: None
        """Called after each label read."""

    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        """See `router.label_read.LabelReadEngine`."""
        read = await self.loaded().label_logprobs(model, prompt, labels)
        self.on_read()
        return read

    def loaded(self) -> LabelReadEngine:
        """The engine; loading it takes seconds, which are no part of a decision's time."""
        if self._engine is None:
            from training.label_read import LocalLabelReads

            base = ensure_base_model(profile_named(self._base), self._cache)
            self._engine = LocalLabelReads(base, self._router_dir / ADAPTER_FOLDER)
        return self._engine


def make_router(
    train: Sequence[Path],
    calibration: Sequence[Path],
    settings: Settings,
    *,
    fallback: str | None,
    llm_turns: int,
    targets: Targets,
    console: Console,
) -> RouterSpec:
    """Fit a router for the agents that the rows name into ``settings.router_dir``.

    The adapter is trained unless the folder is a fitted router's and has one; the fast path, the
    calibration and the thresholds are always fitted.

    Args:
        calibration: if empty, a part of ``train`` is held out.
        fallback: who answers what fits none; None: ``general`` if there is such an agent, else
            nobody (``none``).
        llm_turns: how many turns the router LLM is trained on; 0: no router LLM. A run that was
            killed is gone on with by the same call.
        console: shows how training gets on.

    Raises:
        ConfigError: the fallback is no agent.
        DataError: a row is broken, or only a calibration row names its agent.
        RouterError: the folder holds a router for other agents or another base, or an adapter of
            other rows although some of these are to be held out.
        TrainingError: a label is not one token of the base.
    """
    kept, held = _loaded(train), _loaded(calibration)
    if not held:
        kept, held = hold_out(kept, _HELD_OUT)
    if not held:
        raise DataError("too few rows to hold some out for the thresholds; give --calibration")
    agents, fallback = _agents(kept, fallback)
    kept, held = (for_agents(part, agents, fallback) for part in (kept, held))
    # Where no row is out of scope, `none` has nothing to learn its label from.
    with_rows = {row.agent for row in all_turns(kept)}
    labelled = [agent for agent in agents if agent in with_rows] if llm_turns else []
    folder = settings.router_dir
    _refuse_a_router_for_others(folder, agents)
    reads = OwnLabelReads(folder, settings.base, settings.cache) if llm_turns else None
    if llm_turns:
        # Who learnt from other rows than these may have seen those that are held out now.
        learnt_from = None if calibration else _digest(train)
        if _has_adapter(folder, labelled, settings.base, learnt_from):
            console.print(f"keeping the adapter in {folder}; to train another, give another --out")
        else:
            _train_adapter(kept, labelled, settings, llm_turns, console)
    fitting = fit_router(
        kept,
        held,
        folder,
        agents=agents,
        fallback=fallback,
        labelled=labelled,
        engine=reads,
        model=ADAPTER_FOLDER,
        base=settings.base,
        targets=targets,
        data={"train": _digest(train), "calibration": _digest(calibration)},
    )
    with _showing(reads, len(all_turns(held)), console):
        return asyncio.run(fitting)


def calibrate_router(
    data: Sequence[Path], settings: Settings, targets: Targets, console: Console
) -> RouterSpec:
    """Fit weights and thresholds of the router in ``settings.router_dir`` to held-out rows again.

    Args:
        console: shows the label reads, and which added agents must be added again, as they were
            to the old thresholds.

    Raises:
        DataError: a row is broken, or labelled with something the router does not know.
        RouterError: the router is missing or damaged.
    """
    folder = settings.router_dir
    spec, fast_path = read_router(folder)
    conversations = for_agents(_loaded(data), spec.agents, spec.fallback)
    rows = all_turns(as_served(conversations, spec.agents))
    labelled = list(spec.labels)
    reads = None
    if labelled:
        engine = OwnLabelReads(folder, spec.base, settings.cache)
        with _showing(engine, len(rows), console):
            reads = asyncio.run(label_reads(engine, ADAPTER_FOLDER, rows, labelled))
    fitted = calibrate(fast_path, reads, rows, spec.fallback, targets, labelled)
    kept = {"base": spec.base, "data": {**spec.data, "calibration": _digest(data)}}
    fitted = fitted.model_copy(update=kept)
    published = Registry(settings.home).router()
    if published is not None and is_extension_of(published, folder):
        added = ", ".join(added_agents(published))
        console.print(
            f"[yellow]to be added again[/] (`philharmonic add`): {added}; from the next start of "
            "the server on they are reached by name only"
        )
    write_spec(fitted, folder)
    return fitted


def evaluate_router(data: Sequence[Path], settings: Settings, console: Console) -> dict[str, Any]:
    """The report of `router.evaluate` for the router in ``settings.router_dir``.

    Conversations about domains that the router was not fitted for are left out; ``left_out``
    counts the turns of each such domain.
    """
    router, reads = _open(settings, settings.route_timeout_s)
    if router.spec.labels:
        reads.loaded()
    fair, unknown = split_known(_loaded(data), router.spec.agents)
    if not fair:
        known = ", ".join(router.spec.agents)
        raise DataError(f"no conversation is about this router's agents alone: {known}")
    return asyncio.run(_report(router, fair, console)) | {"left_out": dict(unknown)}


def ask_router(turn: RoutingTurn, settings: Settings) -> tuple[Decision, Explanation]:
    """What the router in ``settings.router_dir`` decides on one turn, and why."""
    # The base is loaded only if the fast path is not sure; that may take more than a label read.
    router, _ = _open(settings, settings.request_timeout_s)
    decision = asyncio.run(router.route(turn))
    return decision, router.explain(turn, decision)


def lint_inputs(
    data: Sequence[Path], settings: Settings
) -> tuple[list[LabelledTurn], dict[str, str]]:
    """Labelled turns to look for overlaps in, and the descriptions of all agents.

    Args:
        data: labelled files; if empty, those that the router in ``settings.router_dir`` learnt
            from, the added agents' among them.
    """
    added = added_agents(settings.router_dir)
    files = data or [
        settings.router_data / "train.jsonl",
        *(folder / "train.jsonl" for folder in added.values()),
    ]
    catalog, live = load_catalog(settings.agents_dir), Registry(settings.home).live()
    descriptions = {name: agent.config.description for name, agent in catalog.items()}
    descriptions |= {name: each.config.description for name, each in live.items() if name in added}
    return all_turns(_loaded(files)), descriptions


def in_service(settings: Settings) -> Settings:
    """The settings with the router that a server on this home folder would open.

    That is the shipped one, or the one that knows the agents that were added to it.
    """
    folder = router_folder(Registry(settings.home).router(), settings)
    return settings.model_copy(update={"router_dir": folder})


def _open(settings: Settings, timeout_s: float) -> tuple[Router, OwnLabelReads]:
    """The router in ``settings.router_dir``, whatever agents and base it was fitted for."""
    spec, fast_path = read_router(settings.router_dir)
    reads = OwnLabelReads(settings.router_dir, spec.base, settings.cache)
    return Router(spec, fast_path, reads, ADAPTER_FOLDER, timeout_s), reads


@contextmanager
def _showing(reads: OwnLabelReads | None, rows: int, console: Console) -> Iterator[None]:
    """A progress bar of label reads while the block runs, if there are any."""
    with _bar(console) as bar:
        if reads is not None:
            task = bar.add_task("Label reads", total=rows)
            reads.on_read = lambda: bar.advance(task)
        yield


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True)


async def _report(
    router: Router, conversations: Sequence[LabelledConversation], console: Console
) -> dict[str, Any]:
    judged = []
    with _bar(console) as bar:
        for each in bar.track(conversations, description="Conversations"):
            judged += await judge(router, [each])
    return report(judged) | {"flip_rate_under_typos": await flip_rate(router, judged)}


def _loaded(files: Sequence[Path]) -> list[LabelledConversation]:
    return [conversation for file in files for conversation in load_labelled(file)]


def _agents(
    conversations: Sequence[LabelledConversation], fallback: str | None
) -> tuple[list[str], str]:
    """The agents that rows name, in alphabetical order, `none` last if nobody answers for it."""
    found = {row.agent for row in all_turns(conversations)}
    named = sorted(found - {OUT_OF_SCOPE})
    if fallback is None:
        fallback = _GENERAL if _GENERAL in named else OUT_OF_SCOPE
    if fallback == OUT_OF_SCOPE:
        return [*named, OUT_OF_SCOPE], fallback
    if fallback not in named and OUT_OF_SCOPE not in found:
        raise ConfigError(
            f"--fallback {fallback}: no row names it, and none is out of scope (`none`); the rows "
            f"name {', '.join(named)}"
        )
    return sorted({*named, fallback}), fallback


def _refuse_a_router_for_others(folder: Path, agents: Sequence[str]) -> None:
    """`RouterError` if the folder holds a router for other agents, which would be lost."""
    there = read_spec(folder).agents if (folder / SPEC_FILE).exists() else agents
    if set(there) != set(agents):
        raise RouterError(
            f"{folder} holds a router for {', '.join(there)}, but the rows name "
            f"{', '.join(agents)}: give another --out, or remove the folder"
        )


def _has_adapter(folder: Path, labelled: Sequence[str], base: str, learnt_from: str | None) -> bool:
    """Whether the folder holds a finished router's adapter that can be kept.

    Args:
        learnt_from: digest of the rows it must have been trained on; None: any.

    Raises:
        RouterError: it is of other agents or another base, or was trained on other rows.
    """
    adapter = folder / ADAPTER_FOLDER
    spec = read_spec(folder) if (folder / SPEC_FILE).exists() else None
    if spec is None or not spec.labels or not adapter.is_dir():
        return False
    if list(spec.labels) != list(labelled):
        raise RouterError(
            f"{adapter} was trained for {', '.join(spec.labels)}, but the rows name "
            f"{', '.join(labelled)}: give another --out, or remove the folder"
        )
    if spec.base != base:
        raise RouterError(
            f"{adapter} is for base {spec.base}, not {base}: give another --out, or remove the "
            "folder"
        )
    if learnt_from not in (None, spec.data.get("train")):
        raise RouterError(
            f"{adapter} was trained on other rows than these, and may know those that would be "
            "held out to calibrate it: give --calibration, or another --out, or remove the folder"
        )
    return True


def _train_adapter(
    conversations: Sequence[LabelledConversation],
    labelled: Sequence[str],
    settings: Settings,
    llm_turns: int,
    console: Console,
) -> None:
    """Train the router LLM's adapter into the router's folder, there whole or not at all."""
    # Torch takes seconds to import, and a router that has its adapter does without.
    from training.label_read import LabelReadTraining, train_label_read

    plan = LabelReadTraining(rows=llm_turns)
    base = ensure_base_model(profile_named(settings.base), settings.cache)
    # Named after what decides the result, so that the same command goes on with a killed run.
    decides = hashlib.sha256(repr((conversations, labelled, plan, str(base))).encode())
    run_dir = settings.home / "runs" / f"router-{decides.hexdigest()[:10]}"
    trained = train_label_read(conversations, labelled, base, run_dir, plan, console)
    copy_whole((WEIGHTS, PEFT_CONFIG), trained.path, settings.router_dir / ADAPTER_FOLDER)


def _digest(files: Sequence[Path]) -> str:
    """What the files hold, in short: their sha256 sums, one after the other."""
    return " ".join(map(sha256_of, files))
