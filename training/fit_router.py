"""Fit and judge a router without a server.

::

    python -m training.fit_router fit --train F.jsonl --calibration F.jsonl --router DIR
    python -m training.fit_router eval --data F.jsonl --router DIR [--json OUT]

``fit`` trains the adapter, too, unless ``DIR/adapter`` is there already.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.artifacts import PEFT_CONFIG, WEIGHTS
from agents.bases import profile_named
from agents.catalog import load_catalog
from agents.errors import PhilharmonicError
from agents.settings import Settings
from router.artifact import ADAPTER_FOLDER, RouterSpec
from router.evaluate import judge, report
from router.fit import fit_router
from router.policy import Targets
from router.router import load_router
from router.turns import load_labelled
from serving.engine.base_model import ensure_base_model
from training.label_read import LabelReadTraining, LocalLabelReads, train_label_read


def make_router(
    train: Path,
    calibration: Path,
    out: Path,
    *,
    agents: Sequence[str],
    fallback: str,
    base: Path | str,
) -> RouterSpec:
    """Train the adapter if ``out`` has none, then fit everything else of a router."""
    adapter = out / ADAPTER_FOLDER
    if not adapter.is_dir():
        with tempfile.TemporaryDirectory() as run_dir:
            trained = train_label_read(
                load_labelled(train), agents, base, Path(run_dir), LabelReadTraining()
            )
            install(trained.path, adapter)
    return asyncio.run(
        fit_router(
            train,
            calibration,
            out,
            agents=agents,
            fallback=fallback,
            engine=LocalLabelReads(base, adapter),
            model=ADAPTER_FOLDER,
            targets=Targets(),
        )
    )


def evaluate_router(
    router_dir: Path, data: Path, *, agents: Sequence[str], base: Path | str
) -> dict[str, Any]:
    """The report of `router.evaluate` for a fitted router, label reads done in this process."""
    engine = LocalLabelReads(base, router_dir / ADAPTER_FOLDER)
    router = load_router(router_dir, agents, engine, ADAPTER_FOLDER, Settings().route_timeout_s)
    return report(asyncio.run(judge(router, load_labelled(data))))


def install(trained: Path, adapter: Path) -> None:
    """Copy what the engine needs of a trained adapter."""
    adapter.mkdir(parents=True)
    for name in (WEIGHTS, PEFT_CONFIG):
        shutil.copyfile(trained / name, adapter / name)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the verbs; exit code 0, or 1 or 2 with one line that says why."""
    arguments = _parser().parse_args(argv)
    settings = Settings()
    try:
        agents = tuple(load_catalog(settings.agents_dir))
        base = ensure_base_model(profile_named(settings.base), settings.cache)
        if arguments.verb == "fit":
            spec = make_router(
                arguments.train,
                arguments.calibration,
                arguments.router,
                agents=agents,
                fallback=arguments.fallback,
                base=base,
            )
            result = spec.model_dump(mode="json")
        else:
            result = evaluate_router(arguments.router, arguments.data, agents=agents, base=base)
    except PhilharmonicError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    text = json.dumps(result, indent=2)
    if arguments.json:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.fit_router")
    verbs = parser.add_subparsers(dest="verb", required=True)
    fit = verbs.add_parser("fit", help="train the adapter, fit fast path, weights, thresholds")
    fit.add_argument("--train", type=Path, required=True, help="labelled JSONL")
    fit.add_argument("--calibration", type=Path, required=True, help="held-out labelled JSONL")
    fit.add_argument("--fallback", default="general", help="agent for what fits none")
    judge_ = verbs.add_parser("eval", help="judge a fitted router")
    judge_.add_argument("--data", type=Path, required=True, help="labelled JSONL")
    for verb in (fit, judge_):
        verb.add_argument("--router", type=Path, default=Settings().router_dir, help="its folder")
        verb.add_argument("--json", type=Path, help="write the result here, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
