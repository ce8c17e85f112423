"""Teach a fitted router agents that were added since; the router LLM stays as it is.

The fast path and all thresholds are fitted again over old and new agents; the label read keeps
dividing among those it was trained on, under the letters it was trained with
(`router.combine.combine`). Fitting the router LLM anew (``philharmonic router fit``) gives the
newcomers letters of their own.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from agents.artifacts import sha256_of
from agents.errors import RouterError
from router.artifact import ADAPTER_FOLDER, SPEC_FILE, RouterSpec, read_spec
from router.fit import fit_router, for_agents
from router.label_read import LabelReadEngine
from router.newcomers import NewcomerRows, write_rows
from router.split import SPLIT_FILE
from router.turns import OUT_OF_SCOPE, load_labelled

ADDED_FOLDER = "added"
PARENT = "parent"
"""Under this name ``RouterSpec.data`` holds the sha256 of the spec that was extended."""


async def extend_router(
    parent: Path,
    out: Path,
    data: Path,
    added: Mapping[str, Path],
    engine: LabelReadEngine,
    model: str,
) -> RouterSpec:
    """Write a router for the parent's agents and the ``added`` ones under ``out``.

    Args:
        parent: folder of a router that was fitted as a whole.
        data: folder of ``train.jsonl`` and ``calibration.jsonl``, which the parent was fitted on.
        added: for each added agent, the folder of its rows (`keep_rows`); they come last, in
            this order.
        engine: serves the parent's adapter as ``model``; not asked if the parent has none.

    Raises:
        RouterError: the parent is damaged.
        EngineError: the router LLM does not answer.
    """
    spec = read_spec(parent)
    agents = (*spec.agents, *added)
    train, calibration = data / "train.jsonl", data / "calibration.jsonl"
    rows = {
        name: [
            row
            for path in (file, *(folder / file.name for folder in added.values()))
            for row in for_agents(load_labelled(path), agents, spec.fallback)
        ]
        for name, file in (("train", train), ("calibration", calibration))
    }
    for name, folder in added.items():
        if folder != out / ADDED_FOLDER / name:
            shutil.copytree(folder, out / ADDED_FOLDER / name, dirs_exist_ok=True)
    if spec.labels:
        shutil.copytree(parent / ADAPTER_FOLDER, out / ADAPTER_FOLDER, dirs_exist_ok=True)
    if (parent / SPLIT_FILE).is_file():  # it knows no agent by name
        shutil.copyfile(parent / SPLIT_FILE, out / SPLIT_FILE)
    return await fit_router(
        rows["train"],
        rows["calibration"],
        out,
        agents=agents,
        fallback=spec.fallback,
        labelled=list(spec.labels),
        engine=engine if spec.labels else None,
        model=model,
        base=spec.base,
        targets=spec.targets,
        data={
            "train": sha256_of(train),
            "calibration": sha256_of(calibration),
            PARENT: sha256_of(parent / SPEC_FILE),
        },
    )


def keep_rows(rows: NewcomerRows, folder: Path) -> None:
    """Write an added agent's rows, so that a later router can be fitted on them again."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "calibration", "judged"):
        write_rows(getattr(rows, name), folder / f"{name}.jsonl")


def added_agents(router: Path) -> dict[str, Path]:
    """The agents a router was extended by, in order, with the folders of their rows."""
    spec = read_spec(router)
    folders = {name: router / ADDED_FOLDER / name for name in spec.agents}
    folders = {name: folder for name, folder in folders.items() if folder.is_dir()}
    # Without a router LLM nobody has a label, and who was added only the folders tell.
    missing = {*spec.agents} - {*spec.labels, *folders, OUT_OF_SCOPE} if spec.labels else set()
    if missing:
        raise RouterError(f"{router}: no rows of {', '.join(sorted(missing))}; add them again")
    return folders


def is_extension_of(router: Path, parent: Path) -> bool:
    """Whether ``router`` was made from the router in ``parent`` as it is now."""
    return read_spec(router).data.get(PARENT) == sha256_of(parent / SPEC_FILE)
