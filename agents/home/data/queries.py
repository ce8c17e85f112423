"""Questions about a device's state: patterns per device, `{be}` agrees with the device."""

from .cells import Cell

_ON_OFF = (
    "{be} {np} on?", "{be} {np} on?", "{be} {np} still on?", "{be} {np} off?",
    "{be} {np} on or off?",
    "did I leave {np} on?", "did someone leave {np} on?", "have I left {np} on?",
    "did I turn off {np}?", "did I switch {np} off?", "did anyone turn {np} off?",
    "can you check if {np} {be} on?", "do you know if {np} {be} still on?",
    "tell me if {np} {be} on", "check whether {np} {be} off", "check {np}", "{be} {np} turned on?",
    "what's the status of {np}?", "did we turn {np} off?", "could you see if {np} {be} on?",
)  # fmt: skip
_OPEN = (
    "{be} {np} open?", "{be} {np} closed?", "{be} {np} shut?", "{be} {np} still open?",
    "did I close {np}?", "did I leave {np} open?", "did someone leave {np} open?",
    "can you check if {np} {be} closed?", "check whether {np} {be} open", "did I shut {np}?",
    "tell me if {np} {be} shut", "what's the state of {np}?", "{be} {np} open or closed?",
    "do you know if {np} {be} closed?", "have I closed {np}?", "did you close {np}?",
)  # fmt: skip
_LOCKED = (
    "{be} {np} locked?", "{be} {np} locked?", "{be} {np} unlocked?", "did I lock {np}?",
    "did anyone lock {np}?", "can you check if {np} {be} locked?", "have I locked {np}?",
    "tell me whether {np} {be} locked", "{be} {np} still unlocked?", "did I forget to lock {np}?",
    "check that {np} {be} locked", "{be} {np} properly locked?", "did the kids lock {np}?",
)  # fmt: skip
_OWN = {
    "light": ("how bright {be} {np}?", "what colour {be} {np}?", "are any lights on {where}?",
              "what's the brightness of {np}?", "what color {be} {np} set to?",
              "did anyone leave {np} burning?"),
    "thermostat": (
        "what's the temperature {where}?", "how warm is it {where}?", "how hot is it {where}?",
        "what's the temperature {where}?", "how cold is it {where}?", "what is {np} set to?",
        "what temperature is it {where}?", "tell me the temperature {where}", "is it warm {where}?",
        "how many degrees is it {where}?", "what temperature is {np} on?", "{be} {np} running?",
        "is it above 20 degrees {where}?", "is it cold {where}?", "current temp {where}?",
        "what's the current temperature {where}?", "can you tell me how warm it is {where}?",
        "is it 21 degrees {where} yet?"),
    "blind": ("{be} {np} up or down?", "{be} {np} down?", "how far open {be} {np}?",
              "{be} {np} drawn?", "{be} {np} up?"),
    "fan": ("{be} {np} running?", "{be} {np} spinning?", "what speed {be} {np} on?",
            "how fast {be} {np} going?", "{be} {np} still running?", "what's {np} set to?"),
    "tv": ("what channel {be} {np} on?", "what's on {np}?", "what's playing on {np}?",
           "is anyone watching {np}?", "how loud {be} {np}?", "what's the volume of {np}?"),
    "speaker": ("is music playing {where}?", "what's playing on {np}?",
                "what's the volume of {np}?",
                "what song is playing {where}?", "how loud {be} {np}?",
                "is there music on {where}?",
                "what's playing {where}?", "{be} {np} playing?", "what's the volume {where}?"),
    "oven": ("what temperature {be} {np} at?", "how hot {be} {np}?", "{be} {np} hot yet?",
             "has {np} preheated?", "what {be} {np} set to?", "{be} {np} still hot?",
             "{be} {np} at 200 yet?", "{be} {np} ready?"),
    "vacuum": ("{be} {np} running?", "{be} {np} done?", "has {np} finished?", "where {be} {np}?",
               "{be} {np} still cleaning?", "{be} {np} charging?", "did {np} clean {place}?",
               "has {np} finished {place}?", "{be} {np} done with {place}?", "{be} {np} stuck?"),
    "camera": ("{be} {np} recording?", "what's {np} seeing?", "show me {np}",
               "is there anyone on {np}?",
               "{be} {np} working?", "what can you see on {np}?", "what's on {np}?",
               "{be} {np} online?",
               "{be} {np} still recording?", "pull up the feed from {np}"),
}  # fmt: skip
_WEIGHT = {"light": 1.9, "thermostat": 2.3, "blind": 1.6, "fan": 1.4, "tv": 1.5, "speaker": 1.6,
           "oven": 1.3, "vacuum": 1.4, "camera": 1.6}  # fmt: skip


def _patterns(device: str) -> tuple[str, ...]:
    if device == "blind":
        return _OPEN + _OWN[device]
    own_first = 2 if device in ("thermostat", "vacuum", "camera") else 1
    return _ON_OFF + _OWN[device] * own_first


QUERIES: list[Cell] = [
    Cell("query", "door", _OPEN + _LOCKED * 2, weight=2.4),
    *(Cell("query", device, _patterns(device), weight=_WEIGHT[device]) for device in _OWN),
]
