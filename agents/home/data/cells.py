"""Every action on every device, as sentence patterns.

`{np}` is the device phrase ("the den lamp"), `{where}` "in the den", `{place}` "the den",
`{v}` the value, `{be}`/`{it}` agree with the device. A pattern that starts with a base verb
is a command; a state ("off", "at 40%") follows the device in statements and terse requests.
"""

from dataclasses import dataclass

from . import values
from .values import Sampler


@dataclass(frozen=True)
class Cell:
    """One action on one device (and one kind of value) with its wordings."""

    action: str
    device: str
    commands: tuple[str, ...]
    states: tuple[str, ...] = ()
    terse: tuple[str, ...] = ()
    sampler: Sampler | None = None
    weight: float = 1.0


_ON = (
    "turn on {np}", "turn on {np}", "turn {np} on", "turn {np} on", "switch on {np}",
    "switch {np} on", "put {np} on", "put on {np}",
)  # fmt: skip
_OFF = (
    "turn off {np}", "turn off {np}", "turn {np} off", "turn {np} off", "switch off {np}",
    "switch {np} off", "shut off {np}", "shut {np} off", "turn {np} off", "kill {np}",
)  # fmt: skip
_MORE_ON = {
    "light": ("light up {place}", "flip {np} on", "flick on {np}", "get {np} on"),
    "thermostat": ("start {np}", "get {np} going", "fire up {np}", "get {np} on"),
    "fan": ("start {np}", "get {np} going", "run {np}", "get {np} spinning", "power on {np}"),
    "tv": ("fire up {np}", "power on {np}", "start {np}", "power up {np}"),
    "speaker": ("start {np}", "play some music {where}", "start the music {where}",
                "put some music on {where}", "play music {where}", "power on {np}"),
    "oven": ("preheat {np}", "start {np}", "heat up {np}", "start heating {np}", "fire up {np}"),
    "vacuum": ("start {np}", "run {np}", "vacuum {place}", "hoover {place}", "start {np}",
               "send {np} out", "start vacuuming {place}", "get {np} going",
               "get {np} to clean {place}",
               "clean the floor {where}", "have the robot clean {place}", "let {np} run"),
    "camera": ("activate {np}", "enable {np}", "start {np}", "power on {np}",
               "start recording on {np}"),
}  # fmt: skip
_MORE_OFF = {
    "light": ("kill {np}", "cut {np}", "put {np} out", "put out {np}", "flip {np} off"),
    "thermostat": ("stop {np}", "cut {np}", "power off {np}"),
    "fan": ("stop {np}", "power off {np}", "stop {np} from spinning", "stop {np}"),
    "tv": ("power off {np}", "power down {np}", "stop {np}"),
    "speaker": ("stop {np}", "stop the music {where}", "cut the music {where}", "power off {np}",
                "silence {np}", "stop playing music {where}"),
    "oven": ("power off {np}", "stop {np}", "stop heating {np}"),
    "vacuum": ("stop {np}", "stop vacuuming {place}", "stop {np}", "send {np} back to its dock",
               "stop cleaning {place}", "send {np} back to the charger", "dock {np}"),
    "camera": ("deactivate {np}", "disable {np}", "stop {np}", "power off {np}",
               "stop recording on {np}"),
}  # fmt: skip
_WEIGHT = {"light": 1.7, "oven": 0.75, "camera": 0.9, "vacuum": 0.95}


def _power() -> list[Cell]:
    cells = []
    for device, more_on in _MORE_ON.items():
        weight = _WEIGHT.get(device, 1.0)
        on, off = _ON + more_on, _OFF + _MORE_OFF[device]
        cells.append(Cell("turn_on", device, on, ("on", "on", "switched on"), (), None, weight))
        off_states = ("off", "off", "turned off") + (("out",) if device == "light" else ())
        cells.append(Cell("turn_off", device, off, off_states, (), None, weight))
    return cells


_BLIND = [
    Cell("open", "blind",
         ("open {np}", "open {np}", "open up {np}", "raise {np}", "pull up {np}", "pull {np} up",
          "roll up {np}", "draw back {np}", "put {np} up", "open {np} fully", "lift {np}",
          "open {np} all the way", "turn {np} to open", "pull {np} open"),
         ("open", "open", "up", "fully open", "raised", "wide open"), (), None, 1.2),
    Cell("close", "blind",
         ("close {np}", "close {np}", "shut {np}", "lower {np}", "pull down {np}", "draw {np}",
          "pull {np} down", "roll down {np}", "put {np} down", "close {np} all the way",
          "drop {np}", "shut {np} completely", "pull {np} shut"),
         ("closed", "closed", "shut", "down", "fully closed", "lowered"), (), None, 1.2),
]  # fmt: skip
_DOOR = [
    Cell("open", "door", ("open {np}", "open {np}", "open up {np}", "get {np} open"),
         ("open", "opened"), (), None, 0.9),
    Cell("close", "door", ("close {np}", "close {np}", "shut {np}", "shut {np}", "pull {np} shut"),
         ("closed", "shut"), (), None, 1.0),
    Cell("lock", "door",
         ("lock {np}", "lock {np}", "lock {np}", "lock up {np}", "bolt {np}", "secure {np}",
          "make sure {np} {be} locked", "get {np} locked", "keep {np} locked", "lock {np} up"),
         ("locked", "locked", "locked up"), (), None, 1.1),
    Cell("unlock", "door",
         ("unlock {np}", "unlock {np}", "unlock {np}", "unbolt {np}", "undo the lock on {np}",
          "take the lock off {np}", "release the lock on {np}", "leave {np} unlocked"),
         ("unlocked",), (), None, 1.0),
]  # fmt: skip


def _set(device: str, sampler: Sampler, commands: str, states: str, terse: str = "",
         weight: float = 1.0) -> Cell:  # fmt: skip
    short = tuple(terse.split("|")) if terse else ()
    return Cell("set", device, tuple(commands.split("|")), tuple(states.split("|")), short,
                sampler, weight)  # fmt: skip


_SET_LIGHT = [
    _set("light", values.brightness,
         "set {np} to {v}|set {np} to {v}|dim {np} to {v}|turn {np} down to {v}|"
         "turn {np} up to {v}|put {np} at {v}|put {np} on {v}|bring {np} down to {v}|"
         "brighten {np} to {v}|"
         "change {np} to {v}|set the brightness of {np} to {v}|lower {np} to {v}|"
         "turn on {np} at {v}|"
         "raise {np} to {v}|turn {np} to {v}|set {np} at {v}|bring {np} up to {v}|"
         "turn {np} on at {v}",
         "at {v}|at {v}|set to {v}|dimmed to {v}", "{v}|to {v}|brightness {v}", 1.6),
    _set("light", values.colour,
         "set {np} to {v}|make {np} {v}|change {np} to {v}|turn {np} {v}|switch {np} to {v}|"
         "turn {np} to {v}|put {np} on {v}|change the colour of {np} to {v}|have {np} glow {v}|"
         "set the color of {np} to {v}|turn on {np} in {v}|make {np} {v}|let {np} shine {v}",
         "in {v}|{v}|set to {v}|to be {v}", "{v}|to {v}|colour {v}|color {v}", 1.5),
    _set("light", values.scene,
         "set {np} to {v} mode|put {np} in {v} mode|set {np} to {v}|switch {np} to {v} mode|"
         "change {np} to the {v} scene|activate the {v} scene for {np}|set {np} for {v} mode|"
         "use the {v} scene on {np}|put {np} on the {v} setting|set the {v} scene on {np}|"
         "turn {np} to {v} mode|start the {v} scene for {np}",
         "in {v} mode|on {v} mode|on the {v} scene", "{v} mode|to {v} mode|{v} scene", 0.9),
]  # fmt: skip
_SET_CLIMATE = [
    _set("thermostat", values.temperature,
         "set {np} to {v}|set {np} to {v}|set the temperature {where} to {v}|make it {v} {where}|"
         "turn {np} up to {v}|turn {np} down to {v}|put {np} on {v}|warm {place} up to {v}|"
         "cool {place} down to {v}|heat {place} to {v}|bring {place} to {v}|keep {place} at {v}|"
         "change the temperature {where} to {v}|raise the temperature {where} to {v}|"
         "put {np} at {v}|drop {np} to {v}|change {np} to {v}|get {place} to {v}|"
         "lower the temperature {where} to {v}|crank {np} up to {v}|adjust {np} to {v}|"
         "heat {place} up to {v}|set {place} to {v}",
         "at {v}|at {v}|set to {v}|on {v}", "{v}|to {v}", 2.2),
    _set("thermostat", values.climate_mode,
         "set {np} to {v} mode|put {np} in {v} mode|switch {np} to {v}|set {np} to {v}|"
         "put {np} on {v}|change {np} to {v} mode|turn {np} to {v} mode|run {np} in {v} mode",
         "in {v} mode|on {v}|set to {v}", "{v} mode|to {v}|on {v}", 0.9),
]  # fmt: skip
_SET_OPENING = [
    _set("blind", values.opening,
         "open {np} to {v}|set {np} to {v}|lower {np} to {v}|raise {np} to {v}|put {np} at {v}|"
         "open {np} {v}|open {np} {v}|move {np} to {v}|pull {np} to {v}|bring {np} to {v}|"
         "turn {np} to {v}|set {np} at {v}|roll {np} to {v}|have {np} {v} open",
         "{v} open|open {v}|at {v}|at {v}", "{v}|to {v}", 1.8),
]  # fmt: skip
_SET_FAN = [
    _set("fan", values.plain_number(1, 6),
         "set {np} to speed {v}|put {np} on speed {v}|set {np} to level {v}|turn {np} to {v}|"
         "set {np} to {v}|change {np} speed to {v}|turn on {np} at speed {v}|run {np} at level {v}|"
         "put {np} on {v}|turn {np} up to {v}|turn {np} down to {v}|bring {np} down to level {v}",
         "on {v}|at speed {v}|on speed {v}", "speed {v}|to {v}|{v}|level {v}", 1.0),
    _set("fan", values.fan_level,
         "set {np} to {v}|put {np} on {v}|turn {np} to {v}|run {np} on {v}|turn {np} on {v}|"
         "set {np} to {v} speed|turn {np} to {v} speed|change {np} to {v}|switch {np} to {v}|"
         "turn on {np} on {v}|run {np} at {v} speed",
         "on {v}|at {v}|at {v} speed|on {v} speed", "{v}|to {v}|{v} speed", 0.9),
    _set("fan", values.fan_mode,
         "set {np} to {v} mode|put {np} in {v} mode|switch {np} to {v}|set {np} to {v}|"
         "run {np} in {v} mode|change {np} to {v} mode", "in {v} mode|on {v}", "{v} mode", 0.6),
    _set("fan", values.percent,
         "set {np} to {v}|run {np} at {v}|turn {np} up to {v}|turn {np} down to {v}|"
         "put {np} at {v}|set the speed of {np} to {v}", "at {v}|running at {v}", "{v}|"
         "to {v}", 0.5),
]  # fmt: skip
_SET_TV = [
    _set("tv", values.volume,
         "set the volume of {np} to {v}|turn {np} down to {v}|turn {np} up to {v}|"
         "set {np} volume to {v}|put the volume of {np} at {v}|turn the volume on {np} to {v}|"
         "lower {np} volume to {v}|turn the volume of {np} down to {v}|raise {np} volume to {v}",
         "at volume {v}|on volume {v}", "volume {v}|volume to {v}|vol {v}", 0.9),
    _set("tv", values.plain_number(1, 250),
         "put {np} on channel {v}|switch {np} to channel {v}|change {np} to channel {v}|"
         "set {np} to channel {v}|turn {np} to channel {v}|tune {np} to channel {v}|"
         "flip {np} to channel {v}|put channel {v} on {np}",
         "on channel {v}|on channel {v}", "channel {v}|to channel {v}|ch {v}", 0.9),
    _set("tv", values.channel_name,
         "put {v} on {np}|switch {np} to {v}|open {v} on {np}|play {v} on {np}|set {np} to {v}|"
         "put {np} on {v}|change {np} to {v}|start {v} on {np}|show {v} on {np}|turn {np} to {v}|"
         "put on {v} on {np}|launch {v} on {np}|tune {np} to {v}", "on {v}|showing {v}|set to {v}",
         "{v}|to {v}|on {v}", 1.1),
]  # fmt: skip
_SET_SPEAKER = [
    _set("speaker", values.speaker_volume,
         "set the volume of {np} to {v}|turn {np} up to {v}|turn {np} down to {v}|set {np} to {v}|"
         "set the volume {where} to {v}|turn the volume {where} down to {v}|crank {np} up to {v}|"
         "crank the volume {where} to {v}|turn the volume up to {v} {where}|put {np} on {v}|"
         "put the volume at {v} {where}|lower the volume {where} to {v}|set {np} volume to {v}|"
         "raise the volume of {np} to {v}|bring the volume {where} down to {v}",
         "at {v}|at volume {v}|on {v}", "{v}|volume {v}|to {v}|volume to {v}", 1.5),
    _set("speaker", values.music,
         "play {v} on {np}|play {v} {where}|put {v} on {where}|put on {v} {where}|play {v} {where}|"
         "play {v} on {np}|start playing {v} {where}|start {v} on {np}|stream {v} on {np}|"
         "put {v} on {np}|set {np} to {v}|switch {np} to {v}|have {np} play {v}|play {v} {where}",
         "playing {v}|on {v}", "{v}", 1.8),
]  # fmt: skip
_SET_OTHER = [
    _set("oven", values.oven_temperature,
         "set {np} to {v}|preheat {np} to {v}|heat {np} to {v}|turn {np} to {v}|put {np} on {v}|"
         "turn {np} up to {v}|turn {np} down to {v}|get {np} to {v}|warm {np} up to {v}|"
         "put {np} at {v}|turn {np} on at {v}|change {np} to {v}|turn on {np} to {v}|"
         "set {np} temperature to {v}|bring {np} up to {v}|start {np} at {v}",
         "at {v}|at {v}|preheated to {v}|on {v}", "{v}|to {v}|on {v}", 1.4),
    _set("oven", values.oven_mode,
         "set {np} to {v}|put {np} on {v}|switch {np} to {v} mode|set {np} to {v} mode|"
         "turn {np} to {v}|change {np} to {v}|put {np} in {v} mode", "on {v}|in {v} mode",
         "{v} mode|to {v}|on {v}", 0.6),
    _set("vacuum", values.vacuum_mode,
         "set {np} to {v} mode|put {np} in {v} mode|switch {np} to {v}|run {np} in {v} mode|"
         "set {np} to {v}|change {np} to {v} mode|put {np} on {v}|turn {np} to {v} mode",
         "in {v} mode|on {v}", "{v} mode|to {v}|{v}", 0.9),
    _set("camera", values.camera_mode,
         "set {np} to {v} mode|put {np} in {v} mode|switch {np} to {v} mode|"
         "change {np} to {v} mode|set {np} to {v}|turn {np} to {v} mode", "in {v} mode|"
         "on {v} mode", "{v} mode|to {v} mode",
         0.9),
]  # fmt: skip

COMMANDS: list[Cell] = [
    *_power(), *_BLIND, *_DOOR, *_SET_LIGHT, *_SET_CLIMATE, *_SET_OPENING, *_SET_FAN, *_SET_TV,
    *_SET_SPEAKER, *_SET_OTHER,
]  # fmt: skip
