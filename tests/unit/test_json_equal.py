import pytest

from training.metrics.json_equal import score

REFERENCE = '{"action": "set", "room": null, "value": 1}'
ALL_WRONG = {"score": 0.0, "field.action": 0.0, "field.room": 0.0, "field.value": 0.0}
ALL_RIGHT = dict.fromkeys(ALL_WRONG, 1.0)


@pytest.mark.parametrize(
    "prediction",
    [
        REFERENCE,
        '{"value":1.0,"room":null,"action":"set"}',
        f"\n{REFERENCE}\n",
    ],
)
def test_spacing_order_and_number_notation_do_not_matter(prediction: str) -> None:
    assert score(prediction, REFERENCE, {}) == ALL_RIGHT


@pytest.mark.parametrize("value", ["true", '"1"', "2", "null", "[1]"])
def test_another_value_or_type_is_wrong(value: str) -> None:
    prediction = f'{{"action": "set", "room": null, "value": {value}}}'
    assert score(prediction, REFERENCE, {}) == ALL_RIGHT | {"score": 0.0, "field.value": 0.0}


def test_a_missing_null_key_is_wrong() -> None:
    expected = ALL_RIGHT | {"score": 0.0, "field.room": 0.0}
    assert score('{"action": "set", "value": 1}', REFERENCE, {}) == expected


def test_an_extra_key_spoils_the_whole_but_not_the_fields() -> None:
    prediction = REFERENCE[:-1] + ', "device": "fan"}'
    assert score(prediction, REFERENCE, {}) == ALL_RIGHT | {"score": 0.0}


@pytest.mark.parametrize(
    "prediction",
    [
        "",
        f"```json\n{REFERENCE}\n```",
        f"Here you are: {REFERENCE}",
        REFERENCE + REFERENCE,
        REFERENCE[:-1],
        '{"action": "set", "room": null, "value": NaN}',
        '{"action": "off", "action": "set", "room": null, "value": 1}',
        "[" * 100_000,
        '"set"',
        "[]",
    ],
)
def test_anything_but_one_json_object_scores_nothing(prediction: str) -> None:
    assert score(prediction, REFERENCE, {}) == ALL_WRONG


def test_types_matter_inside_nested_values() -> None:
    assert score('{"a": [1, {"b": true}]}', '{"a": [1.0, {"b": true}]}', {})["score"] == 1.0
    assert score('{"a": [1, {"b": true}]}', '{"a": [1, {"b": 1}]}', {})["score"] == 0.0
    assert score('{"a": [1]}', '{"a": [1, 2]}', {})["score"] == 0.0


def test_a_reference_need_not_be_an_object() -> None:
    assert score("[1, 2]", "[1, 2]", {}) == {"score": 1.0}
    assert score("false", "0", {}) == {"score": 0.0}
