"""The files of a report: ``report.json``, ``report.html``, ``plot.png`` and a CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path

from agents.errors import ConfigError
from router.loadtest import report as r
from router.loadtest.page import page
from router.loadtest.plots import main_plot
from router.loadtest.record import Record

_COLUMNS = (
    "arrival", "script", "turn", "expected", "agent", "model", "stage", "confidence",
    "intended_s", "started_s", "ttft_ms", "tpot_ms", "e2el_ms", "route_ms", "gateway_ms",
    "input_tokens", "output_tokens", "error", "message",
)  # fmt: skip


def make_folder(folder: Path) -> None:
    """Make the folder of a report before the run; `ConfigError` if that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {folder}: {error.strerror}; choose another folder") from None


def write_run(folder: Path, report: r.RunReport, records: Sequence[Record]) -> None:
    """A run: also ``requests.csv``, a row for each turn."""
    _write(folder, report)
    with (folder / "requests.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows(_row(record) for record in records)


def write_sweep(folder: Path, report: r.SweepReport) -> None:
    """A sweep: also ``rates.csv``, a row for each rate."""
    _write(folder, report)
    with (folder / "rates.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(r.Point.model_fields))
        writer.writeheader()
        for point in sorted(report.points, key=lambda point: point.rate):
            writer.writerow(point.model_dump())


def _write(folder: Path, report: r.RunReport | r.SweepReport) -> None:
    (folder / "report.json").write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    plot = main_plot(report)
    (folder / "plot.png").write_bytes(plot)
    (folder / "report.html").write_text(page(report, plot), encoding="utf-8")


def _row(record: Record) -> list[object]:
    values: dict[str, object] = {
        "ttft_ms": _ms(record.ttft_s),
        "tpot_ms": _ms(record.tpot_s),
        "e2el_ms": _ms(record.e2el_s),
        "intended_s": round(record.intended_s, 6),
        "started_s": round(record.started_s, 6),
    }
    return [values[column] if column in values else getattr(record, column) for column in _COLUMNS]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 3)
