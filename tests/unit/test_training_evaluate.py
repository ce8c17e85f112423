import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest

from agents.config import AgentConfig, GateConfig, GenerationConfig
from agents.data import Example, Message
from agents.errors import ConfigError, DataError, EngineUnavailable
from training.evaluate import (
    CONCURRENCY,
    Comparison,
    Evaluation,
    compare,
    confidence_interval,
    evaluate,
    gate,
)


def config(metric: str | None = "json_equal") -> AgentConfig:
    return AgentConfig.model_validate(
        {
            "name": "home",
            "description": "Turns a request into a command.",
            "system_prompt": "Answer with JSON.",
            "data": {"train": "train.jsonl", "eval": "eval.jsonl"},
            "adapter": {} if metric else None,
            "generation": {"max_tokens": 9},
            "evaluation": {"metric": metric} if metric else None,
        }
    )


def example(question: str, answer: str, *before: Message, **extra: object) -> Example:
    messages = (*before, Message("user", question), Message("assistant", answer))
    return Example(messages, extra)


def answering(**answers: str):  # type: ignore[no-untyped-def]
    """An engine that gives each model's one answer, whatever it is asked."""

    async def complete(
        model: str, messages: Sequence[Message], generation: GenerationConfig
    ) -> str:
        return answers[model]

    return complete


def judged(score: float, rows: int = 100) -> Evaluation:
    return Evaluation("m", rows, score, (score, score), {}, ())


ROWS = [
    example("one", '{"a": 1, "b": 2}'),
    example("two", '{"a": 1, "b": 3}'),
    example("three", '{"a": 9, "b": 9}'),
    example("four", '{"a": 9, "b": 2}'),
]


async def run(score_of: str = '{"a": 1, "b": 2}') -> Evaluation:
    return await evaluate(answering(m=score_of), config(), ROWS, "m")


def test_scores_fields_interval_and_misses() -> None:
    result = asyncio.run(run())
    assert (result.model, result.rows, result.score) == ("m", 4, 0.25)
    assert result.fields == {"a": 0.5, "b": 0.5}
    assert result.interval == pytest.approx((0.0456, 0.6994), abs=1e-4)
    assert [miss.row for miss in result.misses] == [3, 2, 4]
    assert result.misses[0].messages == (Message("user", "three"),)
    assert result.misses[0].expected == '{"a": 9, "b": 9}'
    assert result.misses[0].answer == '{"a": 1, "b": 2}'


def test_a_result_is_json() -> None:
    written = json.loads(json.dumps(asdict(asyncio.run(run()))))
    assert written["misses"][0]["messages"] == [{"role": "user", "content": "three"}]


def test_the_engine_gets_the_joined_system_prompt_the_chain_and_the_settings() -> None:
    asked: list[tuple[str, list[Message], GenerationConfig]] = []

    async def complete(
        model: str, messages: Sequence[Message], generation: GenerationConfig
    ) -> str:
        asked.append((model, list(messages), generation))
        return "{}"

    chain = (Message("system", "Be kind."), Message("user", "q"), Message("assistant", "{}"))
    row = example("and now?", "{}", *chain)
    result = asyncio.run(evaluate(complete, config(), [row], "home@1"))
    assert result.score == 1.0
    (model, messages, generation) = asked[0]
    assert (model, generation.max_tokens) == ("home@1", 9)
    assert messages[0] == Message("system", "Answer with JSON.\n\nBe kind.")
    assert messages[1:] == [*chain[1:], Message("user", "and now?")]


def test_sql_is_judged_with_the_conversation_and_the_rows_own_data() -> None:
    schema = (Message("user", "CREATE TABLE t (a INT)"), Message("assistant", "SELECT a FROM t"))
    row = example("how many?", "SELECT COUNT(*) FROM t", *schema, rows=["INSERT INTO t VALUES (7)"])
    agent = config("sql_execution")
    good = evaluate(answering(m="SELECT SUM(a) - 6 FROM t"), agent, [row], "m")
    assert asyncio.run(good).score == 1.0
    bad = evaluate(answering(m="SELECT SUM(a) FROM t"), agent, [row], "m")
    assert asyncio.run(bad).score == 0.0


def test_never_more_than_sixteen_at_a_time() -> None:
    running = most = 0

    async def complete(
        model: str, messages: Sequence[Message], generation: GenerationConfig
    ) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return "{}"

    asyncio.run(evaluate(complete, config(), [example("q", "{}")] * 50, "m"))
    assert most == CONCURRENCY == 16


def test_an_engine_that_fails_ends_the_evaluation_with_its_own_error() -> None:
    async def complete(
        model: str, messages: Sequence[Message], generation: GenerationConfig
    ) -> str:
        raise EngineUnavailable("gone")

    with pytest.raises(EngineUnavailable, match="gone"):
        asyncio.run(evaluate(complete, config(), ROWS, "m"))


def test_an_agent_without_a_metric_cannot_be_evaluated() -> None:
    with pytest.raises(ConfigError, match=r"'home': evaluation\.metric is not set"):
        asyncio.run(evaluate(answering(m=""), config(None), ROWS, "m"))


@pytest.mark.parametrize(
    ("metric", "row", "fault"),
    [
        ("json_equal", example("q", "{oops"), "row 2: its own answer cannot be scored"),
        ("cron_equal", example("q", "0 9 * * MON"), "row 2: its own answer scores 0.0"),
        ("sql_execution", example("q", "SELECT 1"), "answer cannot be scored: 'rows'"),
    ],
)
def test_a_broken_reference_is_named_before_the_engine_is_asked(
    metric: str, row: Example, fault: str
) -> None:
    fine = {"json_equal": "{}", "cron_equal": "* * * * *", "sql_execution": "SELECT 1"}[metric]
    rows = [replace(example("q", fine), extra={"rows": []}), row]
    with pytest.raises(DataError, match=fault):
        asyncio.run(evaluate(answering(), config(metric), rows, "m"))


def test_comparison_of_adapter_and_base() -> None:
    engine = answering(base="{}", **{"home@2": '{"a": 1, "b": 2}'})
    comparison = asyncio.run(compare(engine, config(), ROWS, "home@2", "base"))
    assert (comparison.adapter.model, comparison.base.model) == ("home@2", "base")
    assert comparison.gain == 0.25


@pytest.mark.parametrize(
    ("base", "adapter", "reasons"),
    [
        (0.1, 0.9, []),
        (0.4, 0.7, []),  # 0.7 - 0.4 is a hair below 0.3 in floating point
        (0.1, 0.69, ["score 0.6900 is 0.0100 below gate.min_score 0.7"]),
        (0.5, 0.75, ["gain +0.2500 over the base's 0.5000 is 0.0500 below gate.min_gain 0.3"]),
        (
            0.5,
            0.25,
            [
                "score 0.2500 is 0.4500 below gate.min_score 0.7",
                "gain -0.2500 over the base's 0.5000 is 0.5500 below gate.min_gain 0.3",
            ],
        ),
    ],
)
def test_gate_says_why_not_and_by_how_much(base: float, adapter: float, reasons: list[str]) -> None:
    assert gate(GateConfig(min_score=0.7, min_gain=0.3), judged(base), judged(adapter)) == reasons


def test_the_default_gate_lets_an_equal_adapter_pass() -> None:
    assert gate(GateConfig(), judged(0.5), judged(0.5)) == []
    assert Comparison(judged(0.5), judged(0.5)).gain == 0


def test_intervals() -> None:
    assert confidence_interval([1.0] * 60) == pytest.approx((0.9398, 1.0), abs=1e-4)
    assert confidence_interval([0.0] * 60) == pytest.approx((0.0, 0.0602), abs=1e-4)
    low, high = confidence_interval([0.5, 0.7, 0.9] * 20)
    assert 0.64 < low < 0.68 < 0.72 < high < 0.76
    assert confidence_interval([0.5]) == (0.5, 0.5)
