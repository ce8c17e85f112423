"""The command line, as a test runs it: in this process, with a home folder of its own."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import philharmonic

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHILHARMONIC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home"


@pytest.fixture
def cli(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs the command line; gives its exit code, what it printed, and its errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["philharmonic", *arguments])
        # A command may log to standard error, which is another one for each test.
        monkeypatch.setattr(logging.root, "handlers", list(logging.root.handlers))
        code = 0
        try:
            philharmonic.main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
