import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agents.data import Example, Message
from agents.errors import EngineUnavailable, RouterError
from router.artifact import ADAPTER_FOLDER, SPEC_FILE, read_spec, write_spec
from router.combine import combine, pool
from router.extend import added_agents, extend_router, is_extension_of, keep_rows
from router.fit import fit_router
from router.newcomers import NewcomerRows, rows_for
from router.prompt import labels_for
from router.router import load_router
from router.targets import Targets
from router.turns import (
    LabelledConversation,
    LabelledTurn,
    RoutingTurn,
    load_labelled,
)
from training.remembered import RememberedReads

OLD = ("general", "home", "sql")
WORDS = {
    "home": ("open the blind", "close the door", "dim the lamp", "heat the room"),
    "sql": ("list all orders", "total of sales", "count the clients", "average of books"),
    "general": (
        "tell me about tea",
        "who was Napoleon",
        "explain jazz to me",
        "why do whales sing",
    ),
}
BANK = [
    (f"{verb} my {thing}", "ok")
    for verb in ("freeze", "replace", "activate", "order")
    for thing in ("card", "pin", "account", "transfer", "statement")
]


class Reader:
    """A router LLM that knows the old agents by a word of theirs, and is torn otherwise."""

    def __init__(self) -> None:
        self.labels: set[str] = set()

    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        self.labels |= set(labels)
        said = prompt.splitlines()[-2]
        for agent, label in labels_for(OLD).items():
            if any(said.endswith(text.split()[-1]) for text in WORDS[agent]):
                return [-0.05 if each == label else -4.0 for each in labels]
        return [-1.1 for _ in labels]


def bank_rows() -> NewcomerRows:
    examples = [
        Example((Message("user", text), Message("assistant", answer))) for text, answer in BANK
    ]
    description = "Questions about a bank account."
    return rows_for("bank", description, examples, examples[:3], donors(), donors())


def donors() -> list[LabelledConversation]:
    """The old agents' requests, as conversations of one turn."""
    return [
        LabelledConversation(
            "", (LabelledTurn(RoutingTurn((Message("user", row["text"]),)), row["domain"]),)
        )
        for row in old_rows()
    ]


def old_rows() -> list[dict[str, str]]:
    return [
        {"text": f"{please}{text}", "domain": agent}
        for please in ("", "please ", "now ")
        for agent, texts in WORDS.items()
        for text in texts
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in ("train", "calibration"):
        lines = "\n".join(json.dumps(row) for row in old_rows())
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def parent(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    (folder / ADAPTER_FOLDER).mkdir()
    (folder / ADAPTER_FOLDER / "weights").write_text("trained")
    rows = load_labelled(data / "train.jsonl")
    fit = fit_router(
        rows,
        rows,
        folder,
        agents=OLD,
        fallback="general",
        labelled=OLD,
        engine=Reader(),
        model="router",
        base="default",
        targets=Targets(),
        data={},
    )
    asyncio.run(fit)
    return folder


@pytest.fixture(scope="module")
def extended(parent: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("extended")
    keep_rows(bank_rows(), out / "added" / "bank")
    asyncio.run(
        extend_router(parent, out, data, {"bank": out / "added" / "bank"}, Reader(), "router")
    )
    return out


async def test_newcomers_are_routed_and_the_others_still_are(extended: Path) -> None:
    reader = Reader()
    router = load_router(extended, (*OLD, "bank"), reader, "router", 1.0)
    for text, agent in [
        ("freeze my statement", "bank"),
        ("replace my pin", "bank"),
        *((texts[0], agent) for agent, texts in WORDS.items()),
    ]:
        decision = await router.route(RoutingTurn((Message("user", text),)))
        assert decision.agent == agent, (text, decision)
        assert sum(decision.probabilities.values()) == pytest.approx(1.0)
    assert reader.labels <= {" A", " B", " C"}


def test_the_old_agents_keep_their_letters(parent: Path, extended: Path) -> None:
    before, after = read_spec(parent), read_spec(extended)
    assert after.agents == (*OLD, "bank")
    assert after.labels == before.labels == {"general": " A", "home": " B", "sql": " C"}
    assert (extended / ADAPTER_FOLDER / "weights").read_text() == "trained"


async def test_a_router_without_a_router_llm_learns_a_newcomer(
    parent: Path, data: Path, tmp_path: Path
) -> None:
    linear, out = tmp_path / "parent", tmp_path / "out"
    linear.mkdir()
    spec = read_spec(parent).model_copy(update={"labels": {}})
    write_spec(spec, linear)
    keep_rows(bank_rows(), out / "added" / "bank")
    reader = Reader()
    await extend_router(linear, out, data, {"bank": out / "added" / "bank"}, reader, "")
    assert read_spec(out).agents == (*OLD, "bank") and read_spec(out).labels == {}
    assert list(added_agents(out)) == ["bank"]
    decision = await load_router(out, (*OLD, "bank"), reader, "", 1.0).route(
        RoutingTurn((Message("user", "freeze my statement"),))
    )
    assert decision.agent == "bank" and not reader.labels


async def test_a_second_newcomer_keeps_the_first(
    parent: Path, extended: Path, data: Path, tmp_path: Path
) -> None:
    first = added_agents(extended)
    assert list(first) == ["bank"]
    own = tmp_path / "added" / "chess"
    chess = [
        Example((Message("user", f"move the {p}"), Message("assistant", "e4"))) for p in "abcdef"
    ]
    keep_rows(rows_for("chess", "Plays chess with you.", chess, chess, donors(), donors()), own)
    spec = await extend_router(parent, tmp_path, data, first | {"chess": own}, Reader(), "router")
    assert spec.agents == (*OLD, "bank", "chess")
    assert list(added_agents(tmp_path)) == ["bank", "chess"]
    assert len(load_labelled(tmp_path / "added" / "bank" / "train.jsonl")) > len(BANK)


def test_it_is_stale_once_the_parent_changes(parent: Path, extended: Path, tmp_path: Path) -> None:
    assert is_extension_of(extended, parent) and not is_extension_of(parent, extended)
    (tmp_path / SPEC_FILE).write_text((parent / SPEC_FILE).read_text() + "\n")
    assert not is_extension_of(extended, tmp_path)


def test_rows_that_are_gone_are_missed(extended: Path, tmp_path: Path) -> None:
    (tmp_path / SPEC_FILE).write_text((extended / SPEC_FILE).read_text())
    with pytest.raises(RouterError, match="no rows of bank; add them again"):
        added_agents(tmp_path)


def test_newcomers_are_entered_stayed_with_and_left() -> None:
    rows = bank_rows()
    ways = {
        tuple(turn["domain"] for turn in row["turns"] if turn["role"] == "user")
        for row in rows.train
        if "turns" in row
    }
    assert ("bank",) in ways and ("bank", "bank") in ways
    assert any(way[0] != "bank" and way[-1] == "bank" for way in ways)
    assert any(way[0] == "bank" and way[-1] != "bank" for way in ways)
    assert rows.train[0] == {"text": "Questions about a bank account.", "domain": "bank"}
    assert len(rows.judged) == 3 and rows.calibration


def test_combining_with_a_label_for_everyone_is_the_pool() -> None:
    rng = np.random.default_rng(0)
    read, fast = (np.log(rng.dirichlet(np.ones(4), 5)) for _ in range(2))
    both = combine(read, fast, range(4), (0.7, 0.4), 1.3)
    assert np.allclose(both, pool([read, fast], [0.7, 0.4]))


def test_a_newcomer_has_the_fast_paths_probability() -> None:
    rng = np.random.default_rng(0)
    read, fast = np.log(rng.dirichlet(np.ones(3), 5)), np.log(rng.dirichlet(np.ones(4), 5))
    both = combine(read, fast, [0, 1, 2], (0.7, 0.4), 1.3)
    assert np.allclose(np.exp(both).sum(axis=1), 1)
    assert np.allclose(both[:, 3], pool([fast], [1.3])[:, 3])


async def test_a_label_read_is_done_once(tmp_path: Path) -> None:
    class Counting(Reader):
        asked = 0

        async def label_logprobs(
            self, model: str, prompt: str, labels: Sequence[str]
        ) -> Sequence[float]:
            self.asked += 1
            return [-float(len(prompt)) for _ in labels]

    engine = Counting()
    for prompts in (("a", "b", "a"), ("b", "cc")):
        reads = RememberedReads(engine, tmp_path / "new" / "reads.json")
        for prompt in prompts:
            assert await reads.label_logprobs("m", prompt, [" A"]) == [-float(len(prompt))]
        reads.save()
    assert engine.asked == 3
    await reads.label_logprobs("other", "a", [" A"])
    assert engine.asked == 4


async def test_of_a_killed_refit_most_label_reads_are_kept(tmp_path: Path) -> None:
    class Dying(Reader):
        asked = 0

        async def label_logprobs(
            self, model: str, prompt: str, labels: Sequence[str]
        ) -> Sequence[float]:
            self.asked += 1
            if self.asked > 250:
                raise EngineUnavailable("gone")
            return [-1.0]

    prompts = [f"turn {number}" for number in range(300)]
    reads = RememberedReads(Dying(), tmp_path / "reads.json")
    with pytest.raises(EngineUnavailable):
        for prompt in prompts:
            await reads.label_logprobs("m", prompt, [" A"])
    again = Dying()
    reads = RememberedReads(again, tmp_path / "reads.json")
    for prompt in prompts:
        await reads.label_logprobs("m", prompt, [" A"])
    assert again.asked == 100
