"""What the router's thresholds are fitted to reach; the thresholds themselves are no constants."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Targets(BaseModel):
    """What the thresholds are fitted to reach on held-out turns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fast_precision: Annotated[
        float, Field(gt=0, lt=1, description="share right of what the fast path decides alone")
    ] = 0.99
    missed_handoffs: Annotated[
        float, Field(gt=0, le=1, description="share of hand-offs that the fast path may overlook")
    ] = 0.02
    false_handoffs_per_100_turns: Annotated[
        float, Field(ge=0, description="switches although the current agent was right")
    ] = 0.7
    false_refusals: Annotated[
        float, Field(ge=0, lt=1, description="share of in-scope turns the fallback gets")
    ] = 0.005
