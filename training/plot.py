"""The loss of a run as a picture."""

import json
from pathlib import Path


def plot_loss(metrics: Path, picture: Path) -> None:
    """Draw the losses of a ``metrics.jsonl`` against the steps; nothing if it has none."""
    # Half a second to import, and no display is needed.
    from matplotlib.figure import Figure

    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    if not rows:
        return
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([row["step"] for row in rows], [row["loss"] for row in rows], color="tab:blue")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=100)
