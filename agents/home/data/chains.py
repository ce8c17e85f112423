"""Follow-ups: short turns that only make sense after the one before."""

from dataclasses import dataclass
from random import Random

from . import values
from .intent import Intent, Value
from .nouns import Noun, draw_noun
from .rooms import Place, place_for


@dataclass(frozen=True)
class Said:
    """Where a conversation stands: the last intent and the words used for its device."""

    intent: Intent
    noun: Noun
    place: Place | None


_SAME_THERE = """same but for {the}|same for {the}|and {the}?|what about {the}?|and {where}?
now {the}
do the same {where}|the same {where} please|{the} too|{the} as well|also {where}|and {where} too
same thing {where}|now do {the}|repeat that for {the}|how about {the}?|and also {the}|same {where}
{where} too please|do {the} too|likewise {where}|and now {where}|{bare} too|same again, {bare}
and the one {where}?|I want that {where} too|can you do that {where} as well?|ok, same {where}"""
_INSTEAD = """no, {the}|sorry, I meant {the}|no, {where}|I meant {the}|not there, {where}
oops, {the}
actually {the}|actually, I meant {where}|wrong room, {the}|no no, {the}|sorry, {where}|{the} instead
I said {the}|no, I mean {where}|wait, {the}"""
_WHERE_FIRST = """{where}|{the}|the one {where}|{where} please|I mean {where}|{the}, I mean|{bare}
I meant the one {where}|{where}, that is|for {the}"""
_ASK_THERE = """and {the}?|what about {the}?|and {where}?|how about {the}?|same question for {the}
and the one {where}?|what about the one {where}?|now {the}|also check {the}|{the} too?"""

_CHANGES = {
    "turn_on": """now turn {it} on|turn {it} on|turn {it} back on|turn that back on
switch {it} on again
ok turn {it} on|then turn {it} on|on again please|put {it} back on|actually, turn {it} back on
I changed my mind, turn {it} on|turn {it} on then|on please|put {it} on again|switch {it} on""",
    "turn_off": """now turn {it} off|turn {it} off|turn {it} off again|ok, turn {it} off
off again please
switch {it} off|then turn {it} off|turn that off|actually, turn {it} off|off please
now switch {it} off
never mind, turn {it} off|turn {it} off then|I changed my mind, turn {it} off|kill {it}
shut {it} off
thanks, you can turn {it} off now|and off again|enough, turn {it} off""",
    "open": """now open {it}|open {it}|open {it} again|ok, open {it}|then open {it}
open {it} back up
actually, open {it}|open {it} please|please open {it} then|now open {it} up|reopen {it}
and open {it}""",
    "close": """now close {it}|close {it}|close {it} again|ok, close {it}|shut {it}|shut {it} again
actually, close {it}|close {it} please|then close {it}|now shut {it}|close {it} then
and close {it}""",
    "lock": """also lock {it}|lock {it}|now lock {it}|and lock {it}|lock {it} too|lock {it} as well
lock {it} please|then lock {it}|ok, lock {it}|lock {it} again|and lock {it} behind me""",
    "unlock": """unlock {it}|now unlock {it}|unlock {it} again|actually, unlock {it}|ok, unlock {it}
unlock {it} please|then unlock {it}|sorry, unlock {it}|unlock {it} for me|and unlock {it}""",
    "query": """{be} {they} on?|{be} {they} on now?|{be} {they} still on?|did that work?
{be} {they} off?
{be} {they} off now?|check {it}|what's the status?|did you do it?|{be} {they} really on?""",
}
_QUERY_OPEN = """{be} {they} open?|{be} {they} closed?|{be} {they} closed now?|{be} {they} shut?
check {it}
{be} {they} still open?|did that work?|{be} {they} really closed?"""
_QUERY_DOOR = (
    _QUERY_OPEN
    + """|{be} {they} locked?|{be} {they} locked now?|{be} {they} unlocked?
did you lock {it}?|{be} {they} still locked?|{be} {they} locked?"""
)
_FOLLOWING = {
    "light": ("turn_on", "turn_off", "query"), "fan": ("turn_on", "turn_off", "query"),
    "thermostat": ("turn_on", "turn_off", "query"), "tv": ("turn_on", "turn_off", "query"),
    "speaker": ("turn_on", "turn_off", "query"), "oven": ("turn_on", "turn_off", "query"),
    "vacuum": ("turn_on", "turn_off", "query"), "camera": ("turn_on", "turn_off", "query"),
    "blind": ("open", "close", "query"), "door": ("open", "close", "lock", "lock", "unlock",
              "query"),
}  # fmt: skip

_NEW_VALUE = """make it {v}|actually {v}|no, {v}|make that {v}|change it to {v}|{v} please
actually, {v}
now {v}|{v} instead|sorry, {v}|I meant {v}|hmm, {v}|set it to {v}|ok, {v}|no wait, {v}|rather {v}
try {v}|I'd prefer {v}|and now {v}|{v}|better {v}|how about {v}?|let's say {v}|maybe {v}"""
_HINTED = {
    "colour": "a different colour, {v}|another color, {v}|make them {v}|turn it {v}|in {v}|try {v}",
    "brightness": "dim it to {v}|set it to {v}|a bit brighter, {v}|too bright, {v}|only {v}|at {v}",
    "temperature": """a bit warmer, {v}|too cold, make it {v}|a little cooler, {v}|set it to {v}
too warm, {v}""",
    "opening": "open them {v}|a bit less, {v}|only {v}|put them at {v}|set them to {v}",
    "volume": """louder, {v}|too loud, {v}|volume {v}|turn it down to {v}|turn it up to {v}
volume to {v}""",
    "music": """play {v}|put on {v}|something else, {v}|change it to {v}|play {v} instead
I'd rather hear {v}""",
    "channel": """switch to channel {v}|channel {v}|try channel {v}|now channel {v}
go to channel {v}""",
    "source": "switch to {v}|put {v} on|open {v}|{v} instead|now {v}|try {v}",
    "speed": "speed {v}|set it to speed {v}|put it on {v}|level {v} please|faster, {v}|slower, {v}",
    "level": "put it on {v}|set it to {v}|make it {v}|on {v} please|go {v}",
    "oven": """hotter, {v}|set it to {v}|turn it up to {v}|turn it down to {v}|preheat to {v}
make it {v}""",
    "mode": "put it in {v} mode|switch to {v} mode|{v} mode please|set it to {v} mode|use {v} mode",
}
_KINDS: dict[str, dict[str, values.Sampler]] = {
    "light": {"brightness": values.brightness, "colour": values.colour, "mode": values.scene},
    "thermostat": {"temperature": values.temperature, "mode": values.climate_mode},
    "blind": {"opening": values.opening},
    "fan": {"speed": values.plain_number(1, 6), "level": values.fan_level,
            "mode": values.fan_mode},
    "tv": {"channel": values.plain_number(1, 250), "source": values.channel_name,
           "volume": values.volume},
    "speaker": {"volume": values.speaker_volume, "music": values.music},
    "oven": {"oven": values.oven_temperature, "mode": values.oven_mode},
    "vacuum": {"mode": values.vacuum_mode},
    "camera": {"mode": values.camera_mode},
}  # fmt: skip
_OTHER_DEVICE = """and {np}|also {np}|{np} too|{np} as well|and {np} too please|now {np}
same for {np}
and {np}?|what about {np}?|how about {np}?"""
_CORRECTED = """no, {np}|I meant {np}|sorry, {np}|not that, {np}|no, I meant {np}|actually {np}
{np} I mean"""
_IN_THERE = """{verb} {np} in there too|also {verb} {np} in there|and {verb} {np} in the same room
{verb} {np} in there as well|now {verb} {np} in there|and in the same room {verb} {np}"""
_VERBS = {"turn_on": "turn on", "turn_off": "turn off", "open": "open", "close": "close"}
_SWITCHED = ("light", "thermostat", "fan", "tv", "speaker", "camera", "vacuum", "oven")


def _line(rng: Random, block: str) -> str:
    return rng.choice(block.replace("\n", "|").split("|"))


def follow_up(rng: Random, last: Said) -> tuple[str, Said]:
    """A random next turn and where the conversation stands after it."""
    makers = [_elsewhere] * 6 + [_other_action] * 5 + [_other_value] * 6 + [_other_device] * 3
    while True:
        made = rng.choice(makers)(rng, last)
        if made is not None:
            return made


def _elsewhere(rng: Random, last: Said) -> tuple[str, Said] | None:
    place = place_for(rng, last.intent.device)
    if place.room == last.intent.room:
        return None
    block = rng.choice([_SAME_THERE] * 3 + [_INSTEAD])
    if last.intent.action == "query":
        block = _ASK_THERE
    elif last.intent.room is None:
        block = rng.choice([_WHERE_FIRST, _SAME_THERE])
    text = _line(rng, block).format(the=place.the, where=place.where, bare=place.bare)
    old = last.intent
    return text, Said(Intent(old.action, old.device, place.room, old.value), last.noun, place)


def _other_action(rng: Random, last: Said) -> tuple[str, Said] | None:
    old = last.intent
    action = rng.choice(_FOLLOWING[old.device])
    if action == old.action or (action == "turn_on" and old.action == "set"):
        return None
    block = _CHANGES[action]
    if action == "query" and old.device in ("door", "blind"):
        block = _QUERY_DOOR if old.device == "door" else _QUERY_OPEN
    text = _line(rng, block)
    if old.action == "query" and ("again" in text or "back" in text or "did" in text):
        return None
    noun = last.noun
    text = text.format(it=noun.it, be=noun.be, they=noun.they)
    return text, Said(Intent(action, old.device, old.room), noun, last.place)


def _other_value(rng: Random, last: Said) -> tuple[str, Said] | None:
    old = last.intent
    if old.device == "door" or (old.action in ("turn_off", "close") and rng.random() < 0.6):
        return None
    kind = _kind_of(rng, old)
    said, value = _KINDS[old.device][kind](rng)
    if value == old.value or "fahrenheit" in said:
        return None
    plain = old.action == "set" and kind not in ("mode", "source") and rng.random() < 0.6
    text = _line(rng, _NEW_VALUE if plain else _HINTED[kind])
    if not _right_way(text, old.value, value):
        return None
    text = text.format(v=said)
    if last.noun.plural != (" them" in text) and (" them" in text or old.device == "blind"):
        text = text.replace(" them", " it") if " them" in text else text.replace(" it ", " them ")
    return text, Said(Intent("set", old.device, old.room, value), last.noun, last.place)


_MORE = ("warmer", "hotter", "louder", "brighter", "faster", "too cold", " up ", "too dark")
_LESS = ("cooler", "too warm", "slower", "too loud", "too bright", "down", "less", "only", "dim ")


def _right_way(text: str, old: Value, new: Value) -> bool:
    """Whether "louder" and the like go with a value that is in fact higher."""
    if isinstance(old, int | float) and isinstance(new, int | float):
        wrong = _LESS if new > old else _MORE
        return not any(word in text for word in wrong)
    return not isinstance(new, str) or not any(word in text for word in _MORE + _LESS)


def _kind_of(rng: Random, old: Intent) -> str:
    """The kind of value to name next: the same one again if a number was named before."""
    kinds = list(_KINDS[old.device])
    if isinstance(old.value, int | float):
        return "volume" if old.device == "tv" and rng.random() < 0.2 else kinds[0]
    if isinstance(old.value, str) and len(kinds) > 1:
        return rng.choice(kinds[1:] if old.device != "tv" else ["source"])
    return rng.choice(kinds)


def _other_device(rng: Random, last: Said) -> tuple[str, Said] | None:
    old = last.intent
    if old.action not in ("turn_on", "turn_off", "open", "close", "query"):
        return None
    pool = ("blind", "door") if old.action in ("open", "close") else _SWITCHED
    device = rng.choice([name for name in pool if name != old.device])
    if old.device in ("door", "blind") and old.action == "query":
        return None
    noun = draw_noun(rng, device, last.place)
    if device == "door" and old.room is None:
        return None
    verb = _VERBS.get(old.action, "")
    block = rng.choice([_OTHER_DEVICE, _CORRECTED])
    if verb and old.room is not None and rng.random() < 0.4:
        block = _IN_THERE
    text = _line(rng, block).format(np=f"the {noun.text}", verb=verb)
    if last.place is not None and last.place.room == "outside":
        return None
    return text, Said(Intent(old.action, device, old.room), noun, last.place)
