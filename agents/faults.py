"""What is wrong with a YAML document, said so that its author can mend it."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

#: Keys of PEFT that people bring along, and why an adapter cannot have them here.
_UNSERVABLE = {
    "use_dora": "vLLM does not serve DoRA: its magnitude vectors would be dropped",
    "modules_to_save": "vLLM does not serve modules_to_save: fully trained layers would be dropped",
    "bias": "vLLM does not serve trained biases: they would be dropped",
    "rank_pattern": "an adapter has one rank; raise r instead",
}
_SAME = {
    "dora": "use_dora",
    "use_rslora": "rslora",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
}


def explain(fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One of pydantic's faults in a document of ``model``, as a line that says what to do."""
    location = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{location}: {_unknown(str(fault['loc'][-1]), _section(model, fault['loc'][:-1]))}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{location}: {message} (got {fault['input']!r})" if location else message


def _unknown(key: str, section: type[BaseModel]) -> str:
    key = _SAME.get(key, key)
    known = list(section.model_fields)
    if "target_modules" in known and key in _UNSERVABLE:
        return _UNSERVABLE[key]
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return (
        f"unknown key; did you mean {nearest[0]!r}?"
        if nearest
        else (f"unknown key; known: {', '.join(known)}")
    )


def _section(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of the section at ``location``."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = next(_models(field.annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
