"""``philharmonic router fit`` and ``eval``: make and judge a router without a server.

Label reads are done in this process (`training.label_read.LocalLabelReads`).
"""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from agents.artifacts import PEFT_CONFIG, WEIGHTS
from agents.bases import profile_named
from agents.catalog import load_catalog
from agents.settings import Settings
from router.artifact import ADAPTER_FOLDER, RouterSpec
from router.evaluate import judge, report
from router.fit import fit_router
from router.policy import Targets
from router.router import load_router
from router.turns import load_labelled
from serving.engine.base_model import ensure_base_model
from training.label_read import LabelReadTraining, LocalLabelReads, train_label_read


def make_router(train: Path, calibration: Path, settings: Settings, fallback: str) -> RouterSpec:
    """Fit a router for the catalog's agents into ``settings.router_dir``.

    The adapter is trained if the folder has none; the fast path, the calibration and the
    thresholds are always fitted.

    Raises:
        DataError: a row is broken, or its label is no agent of the catalog.
        TrainingError: a label is not one token of the base.
    """
    agents = tuple(load_catalog(settings.agents_dir))
    base = ensure_base_model(profile_named(settings.base), settings.cache)
    adapter = settings.router_dir / ADAPTER_FOLDER
    if not adapter.is_dir():
        with tempfile.TemporaryDirectory() as run_dir:
            trained = train_label_read(
                load_labelled(train), agents, base, Path(run_dir), LabelReadTraining()
            )
            _install(trained.path, adapter)
    return asyncio.run(
        fit_router(
            train,
            calibration,
            settings.router_dir,
            agents=agents,
            fallback=fallback,
            engine=LocalLabelReads(base, adapter),
            model=ADAPTER_FOLDER,
            targets=Targets(),
        )
    )


def evaluate_router(data: Path, settings: Settings) -> dict[str, Any]:
    """The report of `router.evaluate` for the router in ``settings.router_dir``."""
    base = ensure_base_model(profile_named(settings.base), settings.cache)
    router_dir = settings.router_dir
    router = load_router(
        router_dir,
        tuple(load_catalog(settings.agents_dir)),
        LocalLabelReads(base, router_dir / ADAPTER_FOLDER),
        ADAPTER_FOLDER,
        settings.route_timeout_s,
    )
    return report(asyncio.run(judge(router, load_labelled(data))))


def _install(trained: Path, adapter: Path) -> None:
    """Copy what the engine needs of a trained adapter."""
    adapter.mkdir(parents=True)
    for name in (WEIGHTS, PEFT_CONFIG):
        shutil.copyfile(trained / name, adapter / name)
