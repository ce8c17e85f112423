"""What one turn gave."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Record:
    """One request, times in seconds after the run's begin.

    Attributes:
        arrival: number of the arrival it belongs to; ``turn`` counts within it, from 0.
        expected: the agent that should answer.
        intended_s: when it should have been sent: its place in the schedule or, for a later
            turn, the end of the answer before it. Every latency counts from here.
        started_s: when the generator came to send it.
        first_s: first piece of text; None if none came.
        last_s: last piece of the answer.
        ended_s: when the answer was whole, or the request had failed.
        stamps: when each piece of text came.
        agent: who answered; ``model`` is the version that did.
        route_ms: how long the decision took, by the server's own clock.
        gateway_ms: the gateway's own time, by its own clock.
        error: kind of failure; None if the turn was answered.
    """

    arrival: int
    script: str
    turn: int
    expected: str
    intended_s: float
    started_s: float = 0.0
    first_s: float | None = None
    last_s: float = 0.0
    ended_s: float = 0.0
    stamps: list[float] = field(default_factory=list)
    agent: str | None = None
    model: str | None = None
    stage: str | None = None
    confidence: float | None = None
    route_ms: float | None = None
    gateway_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str | None = None
    message: str = ""

    @property
    def ttft_s(self) -> float | None:
        """Time to first token."""
        return None if self.first_s is None else self.first_s - self.intended_s

    @property
    def e2el_s(self) -> float:
        """End-to-end latency."""
        return self.ended_s - self.intended_s

    @property
    def tpot_s(self) -> float | None:
        """Time per output token after the first; None for answers of one token or none."""
        tokens = self.tokens
        if self.first_s is None or tokens < 2:
            return None
        return (self.last_s - self.first_s) / (tokens - 1)

    @property
    def tokens(self) -> int:
        """Output tokens as the server counted them, else pieces of text."""
        return len(self.stamps) if self.output_tokens is None else self.output_tokens
