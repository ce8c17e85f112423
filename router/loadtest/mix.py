"""Which script arrives when: the workload's own order, or a mix of agents."""

from itertools import cycle, islice

import numpy as np

from agents.errors import ConfigError
from router.loadtest.config import Mix
from router.loadtest.workload import Script, Workload


def draw(workload: Workload, mix: Mix, count: int, seed: int) -> list[Script]:
    """``count`` scripts; a mix draws the agent of each one's first turn independently.

    Mixes are those of LoRA serving papers (Chen et al. 2023, Punica). Within an agent the
    scripts come in shuffled order, every one before any comes again.

    Raises:
        ConfigError: the mix names an agent that the workload lacks.
    """
    if mix.kind == "file":
        return list(islice(cycle(workload.scripts), count))
    rng = np.random.default_rng([seed, 1])  # independent of the arrivals
    agents = sorted({script.agent for script in workload.scripts})
    pools = {agent: _shuffled(workload, agent, rng) for agent in agents}
    drawn = rng.choice(len(agents), size=count, p=_shares(mix, agents))
    return [next(pools[agents[index]]) for index in drawn]


def _shuffled(workload: Workload, agent: str, rng: np.random.Generator) -> "cycle[Script]":
    scripts = [script for script in workload.scripts if script.agent == agent]
    return cycle([scripts[index] for index in rng.permutation(len(scripts))])


def _shares(mix: Mix, agents: list[str]) -> list[float]:
    match mix.kind:
        case "zipf":
            weights = [1 / rank**mix.exponent for rank in range(1, len(agents) + 1)]
        case "identical":
            chosen = mix.agent or agents[0]
            if chosen not in agents:
                raise ConfigError(
                    f"--mix {mix}: the workload has no conversation that begins with "
                    f"{chosen!r}; it has: {', '.join(agents)}"
                )
            weights = [float(agent == chosen) for agent in agents]
        case _:
            weights = [1.0] * len(agents)
    return [weight / sum(weights) for weight in weights]
