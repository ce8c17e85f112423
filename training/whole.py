"""Files and folders that are there whole or not at all, whenever the process is killed."""

import shutil
from collections.abc import Sequence
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text file; until it is complete the one before stays."""
    incoming = path.with_name(f"{path.name}.incoming")
    incoming.write_text(text, encoding="utf-8")
    incoming.rename(path)


def copy_whole(names: Sequence[str], source: Path, target: Path) -> None:
    """Make ``target`` a folder of these files of ``source``, in place of what it was."""
    incoming = target.with_name(f".{target.name}-incoming")
    outgoing = target.with_name(f".{target.name}-outgoing")
    for leftover in (incoming, outgoing):
        shutil.rmtree(leftover, ignore_errors=True)
    incoming.mkdir(parents=True)
    for name in names:
        shutil.copyfile(source / name, incoming / name)
    if target.exists():
        target.rename(outgoing)
    incoming.rename(target)
    shutil.rmtree(outgoing, ignore_errors=True)
