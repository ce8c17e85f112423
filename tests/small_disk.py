"""A file system of a few megabytes, to be filled up."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ZEROS = b"\0" * 4096


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a tmpfs of this size at ``folder``; PermissionError without the right to mount."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        folder.rmdir()
        raise PermissionError("needs the right to mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(folder: Path) -> Path:
    """A file that takes all the room there is."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(ZEROS):
                pass
        except OSError:
            pass
    return path
