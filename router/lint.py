"""Which agents are easily taken for one another: what they are told to do, or taught, overlaps.

Three signs. The same request labelled with two agents; a description that the fast path would
give to another agent; and requests that it gives to another agent when it has not seen them
(cross-validated).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.data import Message
from router.fit_linear import fit_fast_path
from router.scores import wilson_interval
from router.turns import OUT_OF_SCOPE, LabelledTurn, RoutingTurn

_FOLDS = 3
_MOST_EXAMPLES = 3
#: Turns of each agent that are looked at; more only make it slower.
_MOST_TURNS = 600
#: So that every fold has some to learn from; about fewer there is nothing to say.
_FEWEST_TURNS = 2 * _FOLDS


@dataclass(frozen=True)
class Pair:
    """Turns of ``agent`` that look like ``other``'s.

    Attributes:
        taken: how many of the ``turns`` of ``agent`` went to ``other``.
        interval: 95 % interval of their share.
        examples: a few of them.
    """

    agent: str
    other: str
    taken: int
    turns: int
    interval: tuple[float, float]
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Lint:
    """What is the matter with a set of agents, the worst first.

    Attributes:
        contradictions: requests that are labelled with several agents, with those agents.
        descriptions: agents whose description looks like another agent's turns, with that agent.
        pairs: every pair that was confused at all.
    """

    contradictions: Mapping[str, tuple[str, ...]]
    descriptions: Mapping[str, str]
    pairs: tuple[Pair, ...]

    def faults(self, tolerated: float) -> list[str]:
        """What should be mended.

        Args:
            tolerated: share of an agent's turns that another may draw; more is a fault as soon
                as the 95 % interval leaves no doubt.
        """
        return [
            *(
                f"{text!r} is labelled {' and '.join(agents)}: keep one"
                for text, agents in self.contradictions.items()
            ),
            *(
                f"the description of {agent} reads like a request to {other}: say what only "
                f"{agent} does"
                for agent, other in self.descriptions.items()
            ),
            *(
                f"{pair.taken} of {pair.turns} turns of {pair.agent} look like {pair.other}'s, "
                f"such as {pair.examples[0]!r}: tell them apart by examples of both"
                for pair in self.pairs
                if pair.interval[0] > tolerated
            ),
        ]


def lint(rows: Sequence[LabelledTurn], descriptions: Mapping[str, str]) -> Lint:
    """Look for overlaps among the agents that the rows name.

    Args:
        descriptions: of the agents, where they have one.
    """
    contradictions = _contradictions(rows)
    rows = _some(rows)
    # The fast path wants what is nobody's last.
    agents = sorted({row.agent for row in rows}, key=lambda name: (name == OUT_OF_SCOPE, name))
    return Lint(
        contradictions=contradictions,
        descriptions=_misread(rows, agents, descriptions),
        pairs=_pairs(rows, agents),
    )


def _some(rows: Sequence[LabelledTurn]) -> list[LabelledTurn]:
    """The first turns of each agent, so that no agent makes it slow; none of one with too few."""
    taken: dict[str, list[LabelledTurn]] = defaultdict(list)
    for row in rows:
        if len(taken[row.agent]) < _MOST_TURNS:
            taken[row.agent].append(row)
    return [row for group in taken.values() if len(group) >= _FEWEST_TURNS for row in group]


def _contradictions(rows: Sequence[LabelledTurn]) -> dict[str, tuple[str, ...]]:
    """First requests with two labels; later ones may mean what the conversation makes of them."""
    agents: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if len(row.turn.messages) == 1:
            agents[" ".join(row.turn.text.casefold().split())].add(row.agent)
    return {text: tuple(sorted(found)) for text, found in agents.items() if len(found) > 1}


def _misread(
    rows: Sequence[LabelledTurn], agents: Sequence[str], descriptions: Mapping[str, str]
) -> dict[str, str]:
    fast_path = fit_fast_path(rows, agents)
    read = {
        agent: agents[int(fast_path.log_probabilities(_said(text)).argmax())]
        for agent, text in descriptions.items()
        if agent in agents
    }
    return {agent: other for agent, other in read.items() if other != agent}


def _pairs(rows: Sequence[LabelledTurn], agents: Sequence[str]) -> tuple[Pair, ...]:
    turns: dict[str, int] = defaultdict(int)
    taken: dict[tuple[str, str], list[str]] = defaultdict(list)
    for fold in range(_FOLDS):
        others = [row for at, row in enumerate(rows) if at % _FOLDS != fold]
        fast_path = fit_fast_path(others, agents)
        for row in rows[fold::_FOLDS]:
            chosen = agents[int(fast_path.log_probabilities(row.turn).argmax())]
            turns[row.agent] += 1
            if chosen != row.agent:
                taken[row.agent, chosen].append(row.turn.text)
    pairs = [
        Pair(
            agent,
            other,
            len(texts),
            turns[agent],
            wilson_interval(len(texts), turns[agent]),
            tuple(texts[:_MOST_EXAMPLES]),
        )
        for (agent, other), texts in taken.items()
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.taken / pair.turns))


def _said(text: str) -> RoutingTurn:
    return RoutingTurn((Message("user", text),))
