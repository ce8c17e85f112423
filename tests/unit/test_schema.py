import json

import jsonschema
import pytest
import yaml

from agents.schema import schema_text
from agents.settings import ROOT

COMMITTED = ROOT / "agents" / "agent.schema.json"


def test_the_committed_schema_is_current() -> None:
    advice = "run: philharmonic schema > agents/agent.schema.json"
    assert COMMITTED.read_text(encoding="utf-8") == schema_text(), advice


@pytest.mark.parametrize("path", sorted((ROOT / "agents").glob("*/agent.yaml")), ids=str)
def test_our_own_agents_fit_it(path: object) -> None:
    with open(str(path), encoding="utf-8") as file:
        jsonschema.validate(yaml.safe_load(file), json.loads(schema_text()))


@pytest.mark.parametrize(
    "change",
    [
        {"adapter": {"use_dora": True}},
        {"training": {"epochs": 0}},
        {"method": "ppo"},
        {"data": {"train": [{"file": "x"}]}},
    ],
)
def test_an_editor_marks_what_is_wrong(change: dict[str, object]) -> None:
    document = {
        "name": "bank",
        "description": "Questions about a bank.",
        "system_prompt": "Answer.",
        "data": {"train": ["a.jsonl", {"path": "b.csv", "prompt": "{q}", "completion": "{a}"}]},
        "evaluation": {"metric": "label"},
    }
    schema = json.loads(schema_text())
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | change, schema)
