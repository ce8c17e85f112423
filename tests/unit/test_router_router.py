import asyncio
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agents.data import Message
from agents.errors import DataError, EngineUnavailable, RouterError
from router.artifact import FAST_PATH_FILE, SPEC_FILE, read_spec, write_spec
from router.describe import describe
from router.evaluate import judge, report, split_known
from router.fit import fit_router, for_agents
from router.router import Decision, Router, load_router
from router.targets import Targets
from router.turns import RoutingTurn, load_labelled

AGENTS = ("general", "home", "sql")
KEYS = {
    "in_scope_accuracy",
    "oos_recall_at_2pct_false_refusal",
    "oos_auroc",
    "ece",
    "turn_accuracy",
    "conversation_accuracy",
    "handoff_recall",
    "false_handoffs_per_100_turns",
    "latency_ms",
    "stage_share",
}
ROWS = [
    *(
        f'{{"text": "{v} the {d}", "domain": "home"}}'
        for v in ("open", "close")
        for d in ("blind", "door", "oven", "garage")
    ),
    *(
        f'{{"text": "{v} of all {d}", "domain": "sql"}}'
        for v in ("total", "list")
        for d in ("orders", "clients", "books", "sales")
    ),
    *(
        f'{{"text": "{v} me about {d}", "domain": "none"}}'
        for v in ("tell", "teach")
        for d in ("Napoleon", "tea", "jazz", "whales")
    ),
]


class FakeEngine:
    """Sure of one label, or failing, or slow."""

    def __init__(self, label: str, error: Exception | None = None, delay_s: float = 0.0) -> None:
        self.label, self.error, self.delay_s = label, error, delay_s
        self.prompts: list[str] = []

    async def label_logprobs(
        self, model: str, prompt: str, labels: Sequence[str]
    ) -> Sequence[float]:
        self.prompts.append(prompt)
        await asyncio.sleep(self.delay_s)
        if self.error:
            raise self.error
        return [-0.01 if label == self.label else -8.0 for label in labels]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("router")
    data = folder / "data.jsonl"
    data.write_text("\n".join(ROWS), encoding="utf-8")
    fit(folder, folder, FakeEngine(" A"))
    return folder


def fit(data: Path, folder: Path, engine: FakeEngine | None) -> None:
    rows = for_agents(load_labelled(data / "data.jsonl"), AGENTS, "general")
    fitting = fit_router(
        rows,
        rows,
        folder,
        agents=AGENTS,
        fallback="general",
        labelled=AGENTS if engine else [],
        engine=engine,
        model="router",
        base="default",
        targets=Targets(),
        data={},
    )
    asyncio.run(fitting)


def loaded(folder: Path, engine: FakeEngine, timeout_s: float = 1.0) -> Router:
    return load_router(folder, AGENTS, engine, "router", timeout_s)


def with_policy(router: Router, **changes: float | None) -> Router:
    policy = router.spec.policy.model_copy(update=changes)
    router.spec = router.spec.model_copy(update={"policy": policy})
    return router


def asked(text: str, current: str | None = None) -> RoutingTurn:
    return RoutingTurn((Message("user", text),), current)


async def test_a_sure_fast_path_asks_nobody(fitted: Path) -> None:
    engine = FakeEngine(" C")
    router = with_policy(loaded(fitted, engine), fast_threshold=0.4)
    decision = await router.route(asked("close the blind"))
    assert (decision.agent, decision.stage, decision.threshold) == ("home", "fast", 0.4)
    assert decision.confidence == max(decision.probabilities.values())
    assert not engine.prompts


async def test_otherwise_both_stages_decide(fitted: Path) -> None:
    engine = FakeEngine(" C")
    router = with_policy(loaded(fitted, engine), fast_threshold=None, switch_margin=0.0)
    router.spec = router.spec.model_copy(
        update={"pool": router.spec.pool.model_copy(update={"label_read": 2.0, "fast": 0.1})}
    )
    decision = await router.route(asked("close the blind", current="home"))
    assert (decision.agent, decision.stage, decision.threshold) == ("sql", "label_read", None)
    assert engine.prompts == ["[home]\nuser: close the blind\nagent:"]
    assert sum(decision.probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(FakeEngine(" C", error=EngineUnavailable("gone")), id="dead"),
        pytest.param(FakeEngine(" C", delay_s=5.0), id="slow"),
    ],
)
async def test_a_failing_engine_never_takes_the_turn_down(fitted: Path, engine: FakeEngine) -> None:
    router = with_policy(loaded(fitted, engine, timeout_s=0.05), fast_threshold=None)
    decision = await router.route(asked("close the blind"))
    assert (decision.agent, decision.stage) == ("home", "fast_only")
    assert decision.milliseconds < 1000


async def test_a_current_agent_that_is_gone_does_not_matter(fitted: Path) -> None:
    router = with_policy(loaded(fitted, FakeEngine(" B")), fast_threshold=None)
    assert (await router.route(asked("close the blind", current="retired"))).agent == "home"


async def test_one_agent_answers_everything(fitted: Path) -> None:
    engine = FakeEngine(" A")
    router = with_policy(loaded(fitted, engine), fast_threshold=None)
    fast_path = router._fast_path
    blocks = {
        name: type(block)(block.vocabulary, block.idf, block.coefficients[:, :1])
        for name, block in fast_path.blocks.items()
    }
    only = type(fast_path)(("general",), np.zeros(1, int), blocks, np.zeros(1, np.float32))
    spec = router.spec.model_copy(update={"agents": ("general",)})
    decision = await Router(spec, only, engine, "router", 1.0).route(asked("anything"))
    assert (decision.agent, decision.confidence, decision.stage) == ("general", 1.0, "fast")
    assert not engine.prompts


def test_fit_keeps_the_scores_of_every_stage(fitted: Path) -> None:
    spec = read_spec(fitted)
    assert set(spec.scores) == {"label_read", "fast", "fast_calibrated", "pooled"}
    # This engine always says the same label; a third of the rows are that agent's.
    assert spec.scores["label_read"]["accuracy"] == pytest.approx(1 / 3)
    assert spec.scores["fast"]["accuracy"] == 1.0


def test_what_cannot_be_loaded_is_said(fitted: Path, tmp_path: Path) -> None:
    engine = FakeEngine(" A")
    with pytest.raises(RouterError, match="fitted for general, home, sql, but the catalog has"):
        load_router(fitted, ("home", "cron"), engine, "router", 1.0)
    with pytest.raises(RouterError, match="no such file"):
        loaded(tmp_path, engine)
    (tmp_path / SPEC_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(RouterError, match="damaged"):
        loaded(tmp_path, engine)
    write_spec(read_spec(fitted), tmp_path)
    with pytest.raises(RouterError, match="no such file"):
        loaded(tmp_path, engine)
    spec = read_spec(fitted).model_copy(update={"data": {"fast_path": "0" * 64}})
    write_spec(spec, tmp_path)
    (tmp_path / FAST_PATH_FILE).write_bytes((fitted / FAST_PATH_FILE).read_bytes())
    with pytest.raises(RouterError, match="not the one"):
        loaded(tmp_path, engine)


def test_an_unknown_label_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": "hi", "domain": "weather"}', encoding="utf-8")
    with pytest.raises(DataError, match="weather"):
        for_agents(load_labelled(data), AGENTS, "general")


def test_a_router_without_a_router_llm_decides_by_the_fast_path(
    fitted: Path, tmp_path: Path
) -> None:
    fit(fitted, tmp_path, None)
    spec = read_spec(tmp_path)
    assert spec.labels == {} and set(spec.scores) == {"fast", "fast_calibrated"}
    engine = FakeEngine(" A")
    router = with_policy(loaded(tmp_path, engine), fast_threshold=None)
    decision = asyncio.run(router.route(asked("close the blind")))
    assert (decision.agent, decision.stage) == ("home", "fast")
    assert not engine.prompts


async def test_a_decision_shows_what_each_stage_said(fitted: Path) -> None:
    router = with_policy(loaded(fitted, FakeEngine(" C")), fast_threshold=None)
    decision = await router.route(asked("close the blind"))
    assert set(decision.evidence) == {"fast", "label_read"}
    for said in decision.evidence.values():
        assert set(said) == set(AGENTS) and sum(said.values()) == pytest.approx(1.0)
    assert max(decision.uncalibrated.items(), key=lambda each: each[1])[0] == "sql"


async def test_an_explanation_names_what_spoke_for_the_agent(fitted: Path) -> None:
    router = loaded(fitted, FakeEngine(" C"))
    turn = asked("close the blind")
    explanation = router.explain(turn, await router.route(turn))
    assert explanation.agent == "home" and explanation.runner_up in ("general", "sql")
    weights = {(each.block, each.ngram): each.weight for each in explanation.features}
    assert weights["word", "close"] > 0
    sizes = [abs(each.weight) for each in explanation.features]
    assert sizes == sorted(sizes, reverse=True)


async def test_a_decision_is_described_in_json(fitted: Path) -> None:
    router = with_policy(loaded(fitted, FakeEngine(" C")), fast_threshold=0.4)
    turn = asked("close the blind")
    decision = await router.route(turn)
    about = json.loads(json.dumps(describe(decision, router.explain(turn, decision))))
    assert (about["agent"], about["stage"], about["threshold"]) == ("home", "fast", 0.4)
    assert about["probabilities"].keys() == about["evidence"]["fast"].keys() == set(AGENTS)
    assert about["features"][0].keys() == {"block", "ngram", "weight"}


async def test_an_agent_that_is_gone_does_not_break_the_explanation(fitted: Path) -> None:
    router = loaded(fitted, FakeEngine(" C"))
    turn = asked("close the blind")
    decision = dataclasses.replace(await router.route(turn), agent="retired")
    assert router.explain(turn, decision).agent == "general"


class Scripted(Router):
    """Answers from a list, to check the arithmetic of a report."""

    def __init__(self, router: Router, answers: Sequence[str]) -> None:
        self.spec = router.spec
        self.answers = list(answers)
        self.currents: list[str | None] = []

    async def route(self, turn: RoutingTurn) -> Decision:
        self.currents.append(turn.current)
        agent = self.answers.pop(0)
        raw = {"fast": {agent: 0.9, "other": 0.1}}
        return Decision(agent, 0.75, {agent: 0.75}, "fast", None, 2.0, evidence=raw)


async def test_report_counts_turns_switches_and_conversations(fitted: Path, tmp_path: Path) -> None:
    def turn(agent: str) -> str:
        return f'{{"role": "user", "content": "x", "domain": "{agent}"}}'

    data = tmp_path / "data.jsonl"
    data.write_text(
        f'{{"turns": [{turn("home")}, {turn("home")}, {turn("sql")}]}}\n'
        f'{{"turns": [{turn("none")}]}}\n',
        encoding="utf-8",
    )
    router = Scripted(loaded(fitted, FakeEngine(" A")), ["home", "sql", "sql", "general"])
    scores = report(await judge(router, load_labelled(data)))
    assert router.currents == [None, "home", "sql", None]
    assert (scores["turn_accuracy"], scores["conversation_accuracy"]) == (0.75, 0.5)
    assert scores["in_scope_accuracy"] == pytest.approx(2 / 3)
    assert (scores["handoff_recall"], scores["false_handoffs_per_100_turns"]) == (1.0, 25.0)
    assert scores["recall"] == {"general": 1.0, "home": 0.5, "sql": 1.0}
    assert scores["confusion"]["home"] == {"general": 0, "home": 1, "sql": 1}
    assert scores["latency_ms"] == {"p50": 2.0, "p95": 2.0, "fast": {"p50": 2.0, "p95": 2.0}}
    assert scores["ece"] == pytest.approx(0.25 * 3 / 4 + 0.75 / 4)
    assert scores["ece_uncalibrated"] == pytest.approx(0.1 * 3 / 4 + 0.9 / 4)
    low, high = scores["intervals_95"]["turn_accuracy"]
    assert low < 0.75 < high
    # What belongs to the fallback stands out: 1 - 0 against 1 - 0.75.
    assert scores["oos_recall_at_2pct_false_refusal"] == scores["oos_auroc"] == 1.0


async def test_a_report_has_the_keys_that_scripts_read(fitted: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": "open the door", "domain": "home"}\n', encoding="utf-8")
    scores = report(await judge(loaded(fitted, FakeEngine(" A")), load_labelled(data)))
    assert scores.keys() >= KEYS
    assert scores["oos_auroc"] is None and scores["handoff_recall"] is None
    assert json.loads(json.dumps(scores)) == scores


async def test_conversations_about_unknown_domains_are_told_apart(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    turns = [{"role": "user", "content": "x", "domain": name} for name in ("home", "chess")]
    rows = [{"turns": turns}, {"text": "y", "domain": "none"}]
    data.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    fair, unknown = split_known(load_labelled(data), AGENTS)
    assert len(fair) == 1 and unknown == {"chess": 1}
