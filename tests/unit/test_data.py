import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from agents.config import AgentConfig, Source
from agents.data import Example, Message, Text
from agents.dataset import Dataset, eval_rows, load_dataset
from agents.errors import DataError
from agents.mapping import fill
from agents.sources import digest_of, read_source

USER = {"role": "user", "content": "hi"}
ANSWER = {"role": "assistant", "content": "hello"}
GOOD = json.dumps({"messages": [USER, ANSWER]}).encode()


def row(*messages: object) -> bytes:
    return json.dumps({"messages": messages}).encode()


def conversations(path: Path, **mapping: Any) -> list[Example]:
    return eval_rows((Source(path=path.name, **mapping),), path.parent)


def dataset(folder: Path, data: dict[str, Any], **changes: Any) -> Dataset:
    document = {
        "name": "upper",
        "description": "Says a word in capitals.",
        "system_prompt": "Shout.",
        "data": data,
        "evaluation": {"metric": "exact_match"},
    }
    return load_dataset(AgentConfig.model_validate(document | changes), folder)


def write_rows(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("\n".join(json.dumps(each) for each in rows), encoding="utf-8")


def pairs(*prompts: str) -> list[dict[str, str]]:
    return [{"prompt": prompt, "completion": prompt.upper()} for prompt in prompts]


def test_rows_chains_system_messages_and_other_keys(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be kind."}
    chain = {"messages": [system, USER, ANSWER, USER, ANSWER], "rows": ["x"], "source": "us"}
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD + b"\n\n" + json.dumps(chain).encode() + b"\r\n")
    first, second = conversations(path)
    assert first == Example((Message("user", "hi"), Message("assistant", "hello")))
    assert (first.prompt, first.reference) == ((Message("user", "hi"),), "hello")
    assert [message.as_dict() for message in second.prompt] == [system, USER, ANSWER, USER]
    assert second.extra == {"rows": ["x"], "source": "us"}
    assert second.where == f"{path}:3"


def test_line_breaks_of_unicode_do_not_end_a_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    text = json.dumps({"messages": [{"role": "user", "content": "a\u2028b\x85"}, ANSWER]})
    path.write_text(json.dumps(json.loads(text), ensure_ascii=False), encoding="utf-8")
    assert conversations(path)[0].prompt[0].content == "a\u2028b\x85"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"messages": "caf\xe9"}', "not UTF-8"),
        (b"{'messages': []}", "not JSON"),
        (b"[1]", "expected a JSON object"),
        (b'{"messages": "hi"}', "expected an object with a list under `messages`"),
        (b'{"prompt": "hi"}', "column 'completion' does not exist; the row has prompt"),
        (b'{"prompt": "hi", "completion": null}', "column 'completion' is empty"),
        (b'{"prompt": " ", "completion": "x"}', "column 'prompt' is empty"),
        (row(), "ends with the assistant's answer"),
        (row(USER), "ends with the assistant's answer"),
        (row({"role": "system", "content": "x"}), "ends with the assistant's answer"),
        (row(ANSWER, USER), "message 1 should be from user"),
        (row(USER, USER), "message 2 should be from assistant"),
        (row(USER, ANSWER, ANSWER, USER), "message 3 should be from user"),
        (row("hi", ANSWER), "a message needs a role out of system, user, assistant"),
        (row({"role": "bot", "content": "x"}, ANSWER), "a message needs a role out of"),
        (row({"role": "user", "content": " "}, ANSWER), "the user message has no text"),
        (row(USER, {"role": "assistant"}), "the assistant message has no text"),
        (row(USER, {"role": "assistant", "content": 5}), "the assistant message has no text"),
        (row({"role": [], "content": "x"}, ANSWER), "a message needs a role out of"),
    ],
)
def test_a_broken_row_is_named_with_file_and_line(tmp_path: Path, line: bytes, fault: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD + b"\n\n" + line + b"\n")
    with pytest.raises(DataError) as raised:
        conversations(path)
    assert str(raised.value).startswith(f"{path}:3: ")
    assert fault in str(raised.value)


def test_every_broken_row_is_named_up_to_ten(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join([GOOD, *[row(USER)] * 12]))
    with pytest.raises(DataError) as raised:
        conversations(path)
    lines = str(raised.value).splitlines()
    assert [line.split(": ")[0] for line in lines[:2]] == [f"{path}:2", f"{path}:3"]
    assert len(lines) == 11 and lines[-1] == "and 2 more"


def test_a_missing_or_empty_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with pytest.raises(DataError, match=r"rows\.jsonl: no such file; check `data` in agent\.yaml"):
        conversations(path)
    path.write_text("\n \n")
    with pytest.raises(DataError, match=r"rows\.jsonl: no rows; write one JSON object"):
        conversations(path)
    (tmp_path / "rows.txt").write_text("hi")
    with pytest.raises(DataError, match=r"unknown kind of file; known: \.jsonl, \.csv, \.tsv"):
        conversations(tmp_path / "rows.txt")


def test_csv_columns_are_mapped_with_templates(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(
        '\ufefftext,intent\r\n"say ""hi"", now",greet\r\n"two\nlines",bye\r\n'.encode()
    )
    mapping = {"prompt": "Q: {text}", "completion": '{"intent": {intent:json}}'}
    first, second = conversations(path, **mapping)
    assert first.prompt[0].content == 'Q: say "hi", now'
    assert first.reference == '{"intent": "greet"}' and first.extra == {}
    assert second.prompt[0].content == "Q: two\nlines"

    (tmp_path / "rows.tsv").write_text("prompt\tcompletion\nwe, us\tx\n")
    assert conversations(tmp_path / "rows.tsv")[0].prompt[0].content == "we, us"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"caf\xe9,x", "not UTF-8"),
        (b"one", "not as many columns as the header's 2"),
        (b"one,two,three", "not as many columns as the header's 2"),
        (b"one,", "column 'completion' is empty"),
    ],
)
def test_a_broken_csv_row_is_named(tmp_path: Path, line: bytes, fault: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"prompt,completion\na,b\n" + line + b"\n")
    with pytest.raises(DataError) as raised:
        conversations(path)
    assert str(raised.value).startswith(f"{path}:3: ") and fault in str(raised.value)


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"q": ["1 + 1"], "a": [2], "chat": [[USER, ANSWER]]}), path)
    assert conversations(path, prompt="{q}", completion="{a}")[0].reference == "2"
    assert conversations(path, messages="chat")[0].reference == "hello"
    path.write_bytes(b"PAR")
    with pytest.raises(DataError, match=r"rows\.parquet: not a Parquet file"):
        conversations(path)


def test_a_template_leaves_other_braces_alone() -> None:
    row = {"a": 'say "x"', "b": None, "c": ["é", 1]}
    assert fill('{"k": "v", {}, { a }} {a:json}', row, "") == '{"k": "v", {}, { a }} "say \\"x\\""'
    assert fill("{c}", row, "") == '["é", 1]'
    with pytest.raises(DataError, match="f:1: column 'd' does not exist; the row has a, b, c"):
        fill("{d}", row, "f:1")
    with pytest.raises(DataError, match="f:1: column 'b' is empty"):
        fill("{b}", row, "f:1")


def test_columns_have_names_of_any_characters(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("Question text,e-mail,label\nWho?,a@b.org,greet\n")
    mapping = {"prompt": "{Question text} {e-mail:json}", "completion": '{"intent": "{label}"}'}
    (found,) = conversations(path, **mapping)
    assert found.prompt[0].content == 'Who? "a@b.org"'
    assert found.reference == '{"intent": "greet"}' and found.extra == {}
    fault = r"rows\.csv:2: column 'Question txt' does not exist; the row has Question text, e-mail"
    with pytest.raises(DataError, match=fault):
        conversations(path, **mapping | {"prompt": "{Question txt}"})


def test_an_answer_needs_all_its_columns_and_a_prompt_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("ask,input,label\nSum it up,,x\n,,y\nGo on,more, \n")
    mapping = {"prompt": "Please: {ask}\n{input}", "completion": '{"intent": {label:json}}'}
    with pytest.raises(DataError) as raised:
        conversations(path, **mapping)
    first, second = str(raised.value).splitlines()
    assert first.startswith(f"{path}:3: column 'ask' is empty")
    assert second.startswith(f"{path}:4: column 'label' is empty")
    row = {"ask": "Sum it up", "input": None, "label": "x"}
    assert fill(mapping["prompt"], row, "", gaps=True) == "Please: Sum it up\n"


def test_values_that_json_has_no_kind_for_are_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    day = datetime.date(2026, 1, 31)
    columns = {"day": [day], "cost": [Decimal("12.50")], "raw": ["né".encode()], "days": [[day]]}
    parquet.write_table(pyarrow.table(columns), path)
    mapping = {"prompt": "{day} {cost} {raw}", "completion": "{day:json} {days}"}
    (found,) = conversations(path, **mapping)
    assert found.prompt[0].content == "2026-01-31 12.50 né"
    assert found.reference == '"2026-01-31" ["2026-01-31"]'
    parquet.write_table(pyarrow.table({"raw": [b"\xff"], "many": [[b"\xff"]]}), path)
    for name in ("raw", "many"):
        with pytest.raises(DataError, match=f":1: column '{name}' holds bytes .* not UTF-8"):
            conversations(path, prompt=f"{{{name}}}", completion="x")


def test_a_hub_dataset_is_loaded_at_its_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked: list[Any] = []

    def load(*arguments: Any, **named: Any) -> Any:
        asked.append((arguments, named))
        return datasets.Dataset.from_list([{"prompt": "a", "completion": "b"}])

    monkeypatch.setattr(datasets, "load_dataset", load)
    source = Source(path=f"hf:PolyAI/banking77@{'a' * 40}", split="test", subset="en")
    assert read_source(source, Path())[0][1] == {"prompt": "a", "completion": "b"}
    assert asked == [(("PolyAI/banking77", "en"), {"split": "test", "revision": "a" * 40})]


def test_a_hub_that_is_out_of_reach_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    source = Source(path=f"hf:nobody/nothing@{'0' * 40}")
    with pytest.raises(DataError, match=r"hf:nobody/nothing@0+: cannot be loaded .*check its name"):
        read_source(source, Path())


def test_relative_and_absolute_paths(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", *pairs("a"))
    folder = tmp_path / "agent"
    folder.mkdir()
    for path in ("../rows.jsonl", str(tmp_path / "rows.jsonl")):
        assert len(eval_rows((Source(path=path),), folder)) == 1


def test_weights_repeat_rows_and_draw_the_rest_by_seed(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", *pairs("one", "two", "three", "four"))
    write_rows(tmp_path / "b.jsonl", *pairs("five"))
    data = {"train": [{"path": "a.jsonl", "weight": 1.5}, "b.jsonl"], "eval": "b.jsonl"}
    first = [each.reference for each in dataset(tmp_path, data).train]
    assert len(first) == 4 + 2 + 1 and set(first) == {"ONE", "TWO", "THREE", "FOUR", "FIVE"}
    assert first == [each.reference for each in dataset(tmp_path, data).train]
    with pytest.raises(DataError, match="an evaluation source has no weight"):
        dataset(tmp_path, {"train": "b.jsonl", "eval": [{"path": "a.jsonl", "weight": 2.0}]})


def test_without_an_eval_file_whole_prompts_are_held_out_by_seed(tmp_path: Path) -> None:
    prompts = [f"word {number}" for number in range(200)]
    write_rows(tmp_path / "a.jsonl", *pairs(*prompts, *prompts))
    data: dict[str, Any] = {"train": "a.jsonl", "eval_fraction": 0.2}
    split = dataset(tmp_path, data)
    assert 50 < len(split.eval) < 110 and len(split.eval) + len(split.train) == 400
    assert not split.leaks and split.duplicates == len(split.train) // 2
    assert split == dataset(tmp_path, data)
    other = dataset(tmp_path, data | {"split_seed": 1})
    assert {row.reference for row in other.eval} != {row.reference for row in split.eval}

    write_rows(tmp_path / "a.jsonl", *pairs(*prompts, "one more"))
    more = {row.reference for row in dataset(tmp_path, data).eval}
    assert more >= {row.reference for row in split.eval}

    write_rows(tmp_path / "a.jsonl", *pairs("one"))
    with pytest.raises(DataError, match="too few rows to hold out 20%"):
        dataset(tmp_path, data)


def test_duplicates_and_leaks_are_reported(tmp_path: Path) -> None:
    write_rows(tmp_path / "train.jsonl", *pairs("one", "two", "two"))
    write_rows(tmp_path / "eval.jsonl", *pairs(" ONE ", "three"))
    found = dataset(tmp_path, {"train": "train.jsonl", "eval": "eval.jsonl"})
    assert (found.duplicates, len(found.leaks)) == (1, 1)
    assert found.warnings[0] == "1 rows of train repeat another"
    assert "1 of 2 evaluation prompts are also in train, the first at " in found.warnings[1]
    assert f"{tmp_path / 'eval.jsonl'}:1" in found.warnings[1]


def test_preferences_and_plain_text(tmp_path: Path) -> None:
    write_rows(tmp_path / "eval.jsonl", *pairs("x"))
    preference = {"prompt": "hi", "chosen": "hello", "rejected": "no"}
    chat = {"messages": [USER], "chosen": "hello", "rejected": "no"}
    write_rows(tmp_path / "dpo.jsonl", preference, chat)
    data = {"train": "dpo.jsonl", "eval": "eval.jsonl"}
    one, two = dataset(tmp_path, data, method="dpo").train
    assert isinstance(one, Example) and isinstance(two, Example)
    assert (one.messages, one.rejected) == (two.messages, two.rejected)
    assert (one.reference, one.rejected) == ("hello", "no")

    write_rows(tmp_path / "dpo.jsonl", preference | {"rejected": "hello "})
    with pytest.raises(DataError, match=r"dpo\.jsonl:1: chosen and rejected are the same"):
        dataset(tmp_path, data, method="dpo")

    write_rows(tmp_path / "text.jsonl", {"text": "Once upon a time"}, {"text": "The end."})
    data = {"train": "text.jsonl", "eval": "eval.jsonl"}
    assert dataset(tmp_path, data, method="cpt").train[1] == Text("The end.")


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    import hashlib

    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(name)
    sources = (Source(path="a.jsonl"), Source(path="b.jsonl"))
    assert digest_of(sources, tmp_path) == hashlib.sha256(b"ab").hexdigest()
    with pytest.raises(DataError, match=r"c\.jsonl: no such file"):
        digest_of((Source(path="c.jsonl"),), tmp_path)
