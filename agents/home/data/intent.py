"""What a smart-home answer is: its four fields, how it is written, when it is valid."""

import json
import re
from dataclasses import dataclass

Value = int | float | str | None

ACTIONS = ("turn_on", "turn_off", "set", "open", "close", "lock", "unlock", "query")
DEVICES = (
    "light", "thermostat", "blind", "door", "fan", "tv", "speaker", "oven", "vacuum", "camera",
)  # fmt: skip
ALLOWED = {
    "turn_on": set(DEVICES) - {"blind", "door"},
    "turn_off": set(DEVICES) - {"blind", "door"},
    "set": set(DEVICES) - {"door"},
    "open": {"blind", "door"},
    "close": {"blind", "door"},
    "lock": {"door"},
    "unlock": {"door"},
    "query": set(DEVICES),
}
_SLUG = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Intent:
    """One smart-home request in the agent's terms."""

    action: str
    device: str
    room: str | None = None
    value: Value = None

    def answer(self) -> str:
        """The JSON text that the agent must give, keys in contract order."""
        return json.dumps(self.__dict__)


def parse_answer(text: str) -> Intent:
    """Read an answer back; ValueError says what breaks the schema."""
    fields = json.loads(text)
    if list(fields) != ["action", "device", "room", "value"]:
        raise ValueError(f"keys must be action, device, room, value in that order: {text}")
    intent = Intent(**fields)
    if intent.answer() != text:
        raise ValueError(f"not written with json.dumps defaults: {text}")
    check(intent)
    return intent


def check(intent: Intent) -> None:
    """Raise ValueError unless the intent is one that the agent may answer."""
    if intent.device not in ALLOWED.get(intent.action, set()):
        raise ValueError(f"{intent.action} does not apply to {intent.device}")
    if intent.room is not None and not _SLUG.fullmatch(intent.room):
        raise ValueError(f"room is not snake_case: {intent.room!r}")
    if (intent.value is not None) != (intent.action == "set"):
        raise ValueError(f"value must be given for set and only for set: {intent}")
    if isinstance(intent.value, str) and intent.value != intent.value.lower().strip():
        raise ValueError(f"value is not plain lower case: {intent.value!r}")
    if isinstance(intent.value, float) and intent.value.is_integer():
        raise ValueError(f"whole numbers are written as integers: {intent.value!r}")
