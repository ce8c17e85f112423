"""Metrics by name: how close an answer is to the reference.

A metric is a pure function in a module of its own. To add one, write the module and name it
in `METRICS`; agents choose it with ``evaluation.metric``.
"""

import hashlib
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

from agents.errors import ConfigError
from training.metrics import (
    cron_equal,
    exact_match,
    json_equal,
    label,
    numeric,
    rouge_l,
    sql_execution,
)

Metric = Callable[[str, str, Mapping[str, object]], dict[str, float]]
"""(prediction, reference, extra) to ``score`` in 0..1 and, for some, ``field.<name>`` too.

``extra`` holds ``messages``, the conversation before the answer, and the row's other keys.
"""

METRICS: dict[str, Metric] = {
    "exact_match": exact_match.score,
    "json_equal": json_equal.score,
    "cron_equal": cron_equal.score,
    "sql_execution": sql_execution.score,
    "label": label.score,
    "numeric": numeric.score,
    "rouge_l": rouge_l.score,
}


def metric_named(name: str) -> Metric:
    """The metric of this name, or the function that ``module:function`` names.

    Raises:
        ConfigError: there is none; lists the known ones, or says why a module's cannot be used.
    """
    if ":" in name:
        return _imported(name)
    if name not in METRICS:
        raise ConfigError(
            f"evaluation.metric: unknown {name!r}; known: {', '.join(METRICS)}, or module:function "
            "of your own"
        )
    return METRICS[name]


def metric_digest(name: str) -> str:
    """Hex sha256 of the module that holds a metric: mended, it may judge otherwise.

    Raises:
        ConfigError: see `metric_named`.
    """
    metric = metric_named(name)
    module = importlib.import_module(name.partition(":")[0] if ":" in name else metric.__module__)
    file = getattr(module, "__file__", None)  # Python's own, such as math, have none
    return hashlib.sha256(Path(file).read_bytes() if file else b"").hexdigest()


def _imported(name: str) -> Metric:
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"evaluation.metric: {name!r} cannot be imported ({error}); the module must be on "
            "PYTHONPATH"
        ) from None
    if not callable(found):
        raise ConfigError(f"evaluation.metric: {name!r} is not a function")
    metric: Metric = found
    return metric
