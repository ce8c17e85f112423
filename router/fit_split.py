"""Fit what finds two requests in one message, and say how often it is wrong.

    python -m router.fit_split router/fitted

Only the fast path is asked, so this takes seconds. Two requests in one message are written by
hand or put together from the first messages of two conversations; single ones are turns the
router is fitted on. Writes ``split.json`` into the router's folder.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.artifacts import sha256_of
from router.artifact import read_fitted, read_spec
from router.combine import Array, pool
from router.data.doubles import FITTED_ON, HERE, JUDGED_BY, Row, load_rows
from router.fit import for_agents
from router.requests import saying
from router.split import FEATURES, SPLIT_FILE, Cut, Seen, SplitSpec, Splitter, features, look
from router.turns import LabelledTurn, RoutingTurn, all_turns, load_labelled

_COMPOSED = 600
_TRAIN_TURNS = 500
#: A row written by hand counts as much as so many others.
_BY_HAND = 5.0
#: A composed request to the fallback is no greeting if it has so many words.
_SHORTEST_QUESTION = 5
_JOINTS = (", and ", " and ", ". ", ", ", "; ", ", then ", ". Also, ", " plus ", "\n", ". Then ")
#: How many words at the cut may belong to neither half ("and while you're at it").
_JOINT_WORDS = 5


@dataclass(frozen=True)
class SplitTargets:
    """What the splitter is fitted to reach.

    Attributes:
        false_splits: share of single requests that may be cut, if the fast path had to confirm
            cuts alone.
        confidence: calibrated probability that each half's agent must have.
    """

    false_splits: float = 0.0025
    confidence: float = 0.9


@dataclass(frozen=True)
class Looked:
    """A row, and those of its cuts that could be right."""

    row: Row
    seen: list[Seen]
    weight: float

    def is_right(self, seen: Seen, agents: Sequence[str]) -> bool:
        """Whether a cut separates the row's two requests, to the agents that should have them."""
        chosen = (agents[int(seen.left.argmax())], agents[int(seen.right.argmax())])
        return chosen == self.row.agents and _is_between(seen.cut, self.row.parts)


def fit_split(folder: Path, data: Path, targets: SplitTargets) -> SplitSpec:
    """Weights from all rows; the threshold from the turns the fast path was not fitted on."""
    from sklearn.linear_model import LogisticRegression

    spec, fast_path = read_fitted(folder, read_spec(folder).agents)
    fallback = spec.agents.index(spec.fallback)

    def looked(row: Row, turn: RoutingTurn, weight: float = 1.0) -> Looked:
        def glance(text: str) -> Array:
            said = saying(turn, text)
            return pool([fast_path.log_probabilities(said)], [spec.fast_alone])

        return Looked(row, look(turn.text, glance), weight)

    def single(turn: LabelledTurn) -> Looked:
        return looked(Row((turn.agent,), (turn.turn.text,)), turn.turn)

    rng = random.Random(0)
    held_out, trained = (
        all_turns(for_agents(load_labelled(data / f"{name}.jsonl"), spec.agents, spec.fallback))
        for name in ("calibration", "train")
    )
    singles = [single(turn) for turn in held_out]
    by_hand = [looked(row, row.turn, _BY_HAND) for row in load_rows(FITTED_ON)]
    judged = [looked(row, row.turn) for row in load_rows(JUDGED_BY)]
    composed = [looked(row, row.turn) for row in compose(held_out, spec.fallback, rng)]
    trained = rng.sample(trained, min(_TRAIN_TURNS, len(trained)))
    rows = [*singles, *map(single, trained), *composed, *by_hand]

    examples = [
        (features(seen.cut, seen.whole, seen.left, seen.right, fallback), is_right, row.weight)
        for row in rows
        for seen in row.seen
        # Another cut between the same agents is not wrong enough to learn from.
        if (is_right := row.is_right(seen, spec.agents)) or len(row.row.parts) == 1
    ]
    x, y, weights = (np.array(column) for column in zip(*examples, strict=True))
    model = LogisticRegression(C=1.0, max_iter=2000).fit(x, y, sample_weight=weights)
    fitted = SplitSpec(
        weights=dict(zip(FEATURES, model.coef_[0].tolist(), strict=True)),
        bias=float(model.intercept_[0]),
        threshold=0.0,
        confidence=targets.confidence,
        data={path.name: sha256_of(path) for path in (FITTED_ON, JUDGED_BY)},
    )
    splitter = Splitter(fitted, fallback)
    likeliest = sorted((_best(splitter, row)[0] for row in singles), reverse=True)
    threshold = float(np.nextafter(likeliest[int(targets.false_splits * len(singles))], 2))
    fitted = fitted.model_copy(update={"threshold": threshold})
    splitter = Splitter(fitted, fallback)
    scores = {"false_on_held_out_turns": _false(splitter, singles)}
    for name, written in (("fitted_on", by_hand), ("judged_by", judged)):
        scores[f"found_{name}"] = _found(splitter, written, spec.agents)
        scores[f"false_{name}"] = _false(splitter, written)
    return fitted.model_copy(update={"scores": scores})


def compose(turns: Sequence[LabelledTurn], fallback: str, rng: random.Random) -> Iterator[Row]:
    """Two first messages in one: half of the rows of two agents.

    The others must stay whole: two of one agent, or a greeting before or after a request.
    """
    firsts: dict[str, list[str]] = defaultdict(list)
    greetings: list[str] = []
    for turn in turns:
        text = turn.turn.text
        is_request = turn.agent != fallback or len(text.split()) >= _SHORTEST_QUESTION
        if turn.turn.current is None and is_request:
            firsts[turn.agent].append(text)
        elif not is_request and "?" not in text:
            greetings.append(text)
    agents = sorted(firsts)
    for number in range(_COMPOSED):
        one, other = rng.sample(agents, 2)
        texts = [rng.choice(firsts[one]), rng.choice(firsts[other if number % 2 else one])]
        if number % 4 == 0:
            texts[0] = rng.choice(greetings)
            rng.shuffle(texts)
        parts = (texts[0].rstrip(" .!") + rng.choice(_JOINTS).rstrip(), _lower_first(texts[1]))
        yield Row((one, other), parts) if number % 2 else Row((one,), (" ".join(parts),))


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _is_between(cut: Cut, parts: Sequence[str]) -> bool:
    if len(parts) != 2 or not parts[0].startswith(cut.left) or not parts[1].endswith(cut.right):
        return False
    return len(" ".join(parts).split()) - len(f"{cut.left} {cut.right}".split()) <= _JOINT_WORDS


def _best(splitter: Splitter, row: Looked) -> tuple[float, Seen | None]:
    """The likeliest cut, and how likely it is; 0 if the fast path is not sure of the halves."""
    scored = [(splitter.probability(seen), seen) for seen in row.seen]
    probability, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    if best is None or min(best.left.max(), best.right.max()) < np.log(splitter.spec.confidence):
        return 0.0, None
    return probability, best


def _found(splitter: Splitter, rows: Sequence[Looked], agents: Sequence[str]) -> float:
    """Share of double requests that are cut, and rightly."""
    doubles = [(row, *_best(splitter, row)) for row in rows if len(row.row.parts) == 2]
    right = [
        seen is not None and probability >= splitter.spec.threshold and row.is_right(seen, agents)
        for row, probability, seen in doubles
    ]
    return float(np.mean(right))


def _false(splitter: Splitter, rows: Sequence[Looked]) -> float:
    """Share of single requests that are cut."""
    singles = [_best(splitter, row)[0] for row in rows if len(row.row.parts) == 1]
    return float(np.mean(np.array(singles) >= splitter.spec.threshold))


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(prog="python -m router.fit_split")
    parser.add_argument("router", type=Path, help="folder of the fitted router")
    parser.add_argument("--data", type=Path, default=HERE, help="train.jsonl, calibration.jsonl")
    options = parser.parse_args()
    spec = fit_split(options.router, options.data, SplitTargets())
    text = spec.model_dump_json(indent=2) + "\n"
    (options.router / SPLIT_FILE).write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
