"""Metrics by name: how close an answer is to the reference.

A metric is a pure function in a module of its own. To add one, write the module and name it
in `METRICS`; agents choose it with ``evaluation.metric``.
"""

from collections.abc import Callable, Mapping

from agents.errors import ConfigError
from training.metrics import cron_equal, exact_match, json_equal, sql_execution

Metric = Callable[[str, str, Mapping[str, object]], dict[str, float]]
"""(prediction, reference, extra) to ``score`` in 0..1 and, for some, ``field.<name>`` too.

``extra`` holds ``messages``, the conversation before the answer, and the row's other keys.
"""

METRICS: dict[str, Metric] = {
    "exact_match": exact_match.score,
    "json_equal": json_equal.score,
    "cron_equal": cron_equal.score,
    "sql_execution": sql_execution.score,
}


def metric_named(name: str) -> Metric:
    """The metric of this name; `ConfigError` lists the known ones if there is none."""
    if name not in METRICS:
        raise ConfigError(f"evaluation.metric: unknown {name!r}; known: {', '.join(METRICS)}")
    return METRICS[name]
