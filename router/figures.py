"""A report's confusion matrix and reliability as one picture."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_DPI = 110


def draw(report: Mapping[str, Any]) -> bytes:
    """PNG of a report of `router.evaluate.report`."""
    confusion = report["confusion"]
    size = max(4.0, 0.45 * len(confusion) + 2)
    figure = Figure(figsize=(size + 5, size), layout="constrained")
    matrix, curve = figure.subplots(1, 2, width_ratios=[size, 5])
    _confusion(matrix, confusion)
    _reliability(curve, report)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=_DPI)
    return picture.getvalue()


def _confusion(axes: Axes, confusion: Mapping[str, Mapping[str, int]]) -> None:
    """Shares of each right agent's turns as colour, counts as numbers."""
    rows = list(confusion)
    columns = list(next(iter(confusion.values())))
    counts = np.array([[confusion[right][chosen] for chosen in columns] for right in rows])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel("went to")
    axes.set_ylabel("belongs to")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", size=7, color=colour)


def _reliability(axes: Axes, report: Mapping[str, Any]) -> None:
    for name, error in (("before", "ece_uncalibrated"), ("after", "ece")):
        bins = report["reliability"][name]
        confidence = [each["confidence"] for each in bins]
        accuracy = [each["accuracy"] for each in bins]
        label = f"{name} calibration, ECE {report[error]:.3f}"
        axes.plot(confidence, accuracy, "o-", label=label)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share right")
    axes.legend()
    axes.grid(alpha=0.3)
