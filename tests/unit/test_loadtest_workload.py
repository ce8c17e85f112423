import json
from collections import Counter
from pathlib import Path

import pytest

from agents.errors import ConfigError, DataError
from agents.settings import ROOT
from router.loadtest.config import Mix, WorkloadChoice
from router.loadtest.mix import draw
from router.loadtest.workload import Script, ScriptTurn, Workload, load_workload

AGENTS = ROOT / "agents"


def conversation(*turns: tuple[str, str], **more: object) -> str:
    said: list[dict[str, str]] = []
    for text, agent in turns:
        said += [{"role": "user", "content": text, "domain": agent}]
        said += [{"role": "assistant", "content": f"re {text}"}]
    return json.dumps({"id": turns[0][0], "turns": said, **more})


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "labelled.jsonl"
    rows = [
        conversation(("a1", "cron"), ("a2", "home")),
        conversation(("b1", "none")),
        conversation(("c1", "cron")),
    ]
    path.write_text("\n".join(rows))
    return path


def read(choice: WorkloadChoice, kind: str = "chat") -> Workload:
    return load_workload(choice, kind, AGENTS, "general")  # type: ignore[arg-type]


def test_whole_conversations_keep_every_turn(labelled: Path) -> None:
    workload = read(WorkloadChoice(labelled, True, Mix()))
    assert [[turn.text for turn in script.turns] for script in workload.scripts] == [
        ["a1", "a2"],
        ["b1"],
        ["c1"],
    ]
    second = workload.scripts[0].turns[1]
    assert [m.content for m in second.history] == ["a1", "re a1"]
    assert workload.agents == ["cron", "general", "home"]


def test_single_turns_are_the_first_ones(labelled: Path) -> None:
    workload = read(WorkloadChoice(labelled, False, Mix()))
    assert [script.turns[0].text for script in workload.scripts] == ["a1", "b1", "c1"]
    assert {len(script.turns) for script in workload.scripts} == {1}


def test_built_in_workloads_fit_their_targets() -> None:
    routed = read(WorkloadChoice(None, True, Mix()))
    assert len(routed.scripts) == 150 and not routed.prompting
    pinned = read(WorkloadChoice(None, False, Mix()), "openai")
    assert {"cron", "home", "sql", "triage"} <= set(pinned.agents)
    assert pinned.prompting["cron"].max_tokens == 64
    assert all(script.turns[-1].text for script in pinned.scripts)


def test_a_trace_may_bring_its_turns(tmp_path: Path, labelled: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text('{"timestamp": 3}\n{"timestamp": 3.5}\n')
    timed = read(WorkloadChoice(labelled, True, Mix(), trace))
    assert timed.times is not None and timed.times.tolist() == [3.0, 3.5]
    assert len(timed.scripts) == 3
    trace.write_text(conversation(("x", "home"), timestamp=1.0))
    assert [s.turns[0].text for s in read(WorkloadChoice(None, True, Mix(), trace)).scripts] == [
        "x"
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('{"timestamp": "noon"}', "trace.jsonl:1: no `timestamp`"),
        ('{"timestamp": 2}\n{"timestamp": 1}', "trace.jsonl:2: its timestamp is before"),
        ('{"at": 2}', "trace.jsonl:1"),
        ('{"timestamp": NaN}', "trace.jsonl:1"),
    ],
)
def test_a_broken_trace_names_its_line(
    tmp_path: Path, labelled: Path, rows: str, message: str
) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text(rows)
    with pytest.raises(DataError, match=message):
        read(WorkloadChoice(labelled, True, Mix(), trace))


def of_agents(*agents: str) -> Workload:
    scripts = [Script(f"{n}", (ScriptTurn(f"t{n}", agent),)) for n, agent in enumerate(agents)]
    return Workload("toy", tuple(scripts))


CATALOG = of_agents(*["a"] * 10, *["b"] * 2, "c")


def shares(mix: Mix) -> dict[str, float]:
    drawn = Counter(script.agent for script in draw(CATALOG, mix, 4000, seed=3))
    return {agent: count / 4000 for agent, count in drawn.items()}


def test_the_file_mix_keeps_the_files_order() -> None:
    assert [s.id for s in draw(CATALOG, Mix(), 15, seed=1)] == [*map(str, range(13)), "0", "1"]


def test_a_uniform_mix_asks_for_each_agent_alike() -> None:
    assert shares(Mix("uniform")) == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, abs=0.03)


def test_a_zipf_mix_is_skewed_by_its_exponent() -> None:
    total = 1 + 1 / 2 + 1 / 3
    expected = {"a": 1 / total, "b": 1 / 2 / total, "c": 1 / 3 / total}
    assert shares(Mix("zipf", exponent=1.0)) == pytest.approx(expected, abs=0.03)


def test_an_identical_mix_asks_for_one_agent() -> None:
    assert shares(Mix("identical", agent="c")) == {"c": 1.0}
    with pytest.raises(ConfigError, match="'z'"):
        draw(CATALOG, Mix("identical", agent="z"), 5, seed=0)


def test_every_script_of_an_agent_comes_before_any_comes_again() -> None:
    drawn = draw(CATALOG, Mix("identical", agent="a"), 10, seed=5)
    assert len({script.id for script in drawn}) == 10
