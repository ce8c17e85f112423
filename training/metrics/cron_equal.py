"""Are two cron expressions the same schedule?"""

from collections.abc import Mapping

from agents.cron.expression import fire_times_equal


def score(prediction: str, reference: str, extra: Mapping[str, object]) -> dict[str, float]:
    """1.0 where the whole prediction is one expression with the reference's fire times."""
    return {"score": float(fire_times_equal(prediction.strip(), reference.strip()))}
