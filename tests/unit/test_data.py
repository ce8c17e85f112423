import json
from pathlib import Path

import pytest

from agents.data import Example, Message, load_examples
from agents.errors import DataError

USER = {"role": "user", "content": "hi"}
ANSWER = {"role": "assistant", "content": "hello"}
GOOD = json.dumps({"messages": [USER, ANSWER]}).encode()


def row(*messages: object) -> bytes:
    return json.dumps({"messages": messages}).encode()


def test_rows_chains_system_messages_and_other_keys(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be kind."}
    chain = {"messages": [system, USER, ANSWER, USER, ANSWER], "rows": ["x"], "source": "us"}
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD + b"\n\n" + json.dumps(chain).encode() + b"\r\n")
    first, second = load_examples(path)
    assert first == Example((Message("user", "hi"), Message("assistant", "hello")))
    assert (first.prompt, first.reference) == ((Message("user", "hi"),), "hello")
    assert [message.as_dict() for message in second.prompt] == [system, USER, ANSWER, USER]
    assert second.extra == {"rows": ["x"], "source": "us"}


def test_line_breaks_of_unicode_do_not_end_a_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    text = json.dumps({"messages": [{"role": "user", "content": "a\u2028b\x85"}, ANSWER]})
    path.write_text(json.dumps(json.loads(text), ensure_ascii=False), encoding="utf-8")
    assert load_examples(path)[0].prompt[0].content == "a\u2028b\x85"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"messages": "caf\xe9"}', "not UTF-8"),
        (b"{'messages': []}", "not JSON"),
        (b"[1]", "expected an object with a list under `messages`"),
        (b'{"prompt": "hi"}', "expected an object with a list under `messages`"),
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
        load_examples(path)
    assert str(raised.value).startswith(f"{path}:3: ")
    assert fault in str(raised.value)


def test_a_missing_or_empty_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with pytest.raises(DataError, match=r"rows\.jsonl: no such file; check `data` in agent\.yaml"):
        load_examples(path)
    path.write_text("\n \n")
    with pytest.raises(DataError, match=r"rows\.jsonl: no rows; write one JSON object"):
        load_examples(path)
