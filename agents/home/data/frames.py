"""What people put around a request: politeness, wake words, reasons, distractors."""

from random import Random

from .intent import Intent
from .phrases import Core
from .rooms import draw_place

_POLITE = """please {c}|{c} please|{c}, please|could you {c}?|can you {c}?|can you please {c}?
could you please {c}?|would you {c}?|will you {c}?|would you mind {g}?|do you mind {g}?|just {c}
would you please {c}?|I need you to {c}|I'd like you to {c}|I want you to {c}|go ahead and {c}
let's {c}|time to {c}|I'd appreciate it if you could {c}|be a dear and {c}|you can {c} now
don't forget to {c}|remember to {c}|could you maybe {c}?|can we {c}?|I'd like to {c}|I want to {c}
would it be possible to {c}?|any chance you could {c}?|kindly {c}|could you quickly {c}?|now {c}
can you {c} for me?|please can you {c}?|{c} for me|{c} now|{c}, thanks|{c} would you|help me {c}
is it possible to {c}?|you should {c}|{c} right away|if you could {c}, that would be great
we need to {c}|mind {g}?|{c} if you don't mind|{c}, will you?|quickly {c}|can you go and {c}?
I was wondering if you could {c}|make sure to {c}|somebody should {c}|it's time to {c}|{c} asap"""
_WAKE = """hey house|ok house|okay home|hey there|hi|hello|computer|hey jarvis|alexa|hey google
ok google|hey siri|house|hey home|good morning|good evening|yo|hey buddy|hey|ok|assistant
robot butler
hey assistant|hello house|dear house|jeeves|hey"""
_BEFORE = """I'm heading to bed|we're about to leave|I'm home|it's getting late|it's 7 pm
I just woke up
the guests will be here in 20 minutes|dinner is at 8|I have a headache|the baby is asleep|I'm back
my hands are full|we have 12 people coming tonight|it's movie time|I'm going out for 2 hours
it's almost midnight|sorry to bother you|quick one|I forgot something|we're having friends over
I'm working from home today|it's been a long day|I can't find the remote|I'm in a meeting until 3
I can't reach the switch|my mother is visiting|I'm exhausted|I'm on my way home|the kids are back
it's Sunday|I'm going to bed|my phone is at 5 percent|I'm running late|one more thing|I'm bored
we leave in 10 minutes|it's 30 degrees outside|before I forget|when you get a second|ah, right"""
_AFTER = """before the guests arrive|when you get a chance|before I go to bed|as soon as you can
before we leave|while I'm out|at 7 pm|in ten minutes|for the next 2 hours|until 9|tonight
I'm about to go to sleep|we're having people over|I've got my hands full|it's getting late
for the party|my parents are coming at 6|for the kids|before dinner|first thing in the morning
at 6:30 tomorrow|for 45 minutes|after lunch|the kids are asleep|we're leaving in 5 minutes
it's almost 10|I'm tired|I'll be back in an hour|before the movie starts|like last time|again
at half past six|in half an hour|for a bit|while we eat|the dog is nervous|thank you so much
thanks a lot|cheers|ta|if possible"""
_LOOSE = ("I", "we", "my", "the", "it'", "thank", "cheers", "ta", "like")
_ELSEWHERE = """I'm in the {o} but {c}|I'm {o_where} right now, {c}|I'm calling from the {o}, {c}
we're all in the {o}, so {c}|I'm busy in the {o}, {c}|I'm off to the {o}, {c}
the kids are playing in the {o}, {c}|the {o} is fine, but {c}|leave the {o} alone but {c}
I'm done in the {o}, now {c}|forget the {o}, {c}|not the {o}: {c}|I'm heading to the {o}, {c}"""
_OTHERS = """kitchen|bedroom|living room|bathroom|garage|garden|office|hallway|basement|attic|den
dining room|study|lounge|guest room|nursery|laundry room|workshop|library|gym"""
_DOUBLED = {"put", "get", "set", "shut", "cut", "run", "dim", "stop", "let", "flip", "drop"}


def _lines(block: str) -> list[str]:
    return block.replace("\n", "|").split("|")


def gerund(command: str) -> str:
    """The -ing form: "turn off the lamp" -> "turning off the lamp"."""
    verb, _, rest = command.partition(" ")
    if verb in _DOUBLED:
        verb += verb[-1]
    elif verb.endswith("e"):
        verb = verb[:-1]
    return f"{verb}ing {rest}"


def dress(rng: Random, core: Core) -> str:
    """A full request around the bare sentence, still lower-case and unpunctuated."""
    text = core.text
    if core.style == "command" and rng.random() < 0.5:
        frame = rng.choice(_lines(_POLITE))
        text = frame.format(c=text, g=gerund(text) if "{g}" in frame else "")
    if core.front:
        text = _put_front(rng, core.front, text)
    elif core.style == "command" and _names_its_target(core.intent) and rng.random() < 0.09:
        return _elsewhere(rng, text, core.intent)
    if core.style in ("command", "question") and rng.random() < 0.19:
        text = _with_reason(rng, text, core.style == "question")
    if core.style != "terse" and rng.random() < 0.13:
        text = f"{rng.choice(_lines(_WAKE))}{rng.choice([', ', ', ', ' '])}{text}"
    return text


def _put_front(rng: Random, front: str, text: str) -> str:
    if text.endswith("?") or rng.random() < 0.8:
        return f"{front}{rng.choice([',', ',', ''])} {text}"
    return f"{front}: {text}"


def _names_its_target(intent: Intent) -> bool:
    return intent.room is not None or intent.action in ("lock", "unlock")


def _elsewhere(rng: Random, text: str, intent: Intent) -> str:
    others = [name for name in _lines(_OTHERS) if name.replace(" ", "_") != intent.room]
    other = rng.choice(others)
    frame = rng.choice(_lines(_ELSEWHERE))
    return frame.format(o=other, o_where=f"in the {other}", c=text)


def _with_reason(rng: Random, text: str, asks: bool) -> str:
    # "Is the light on for 2 hours?" makes no sense: what follows a question is never a time.
    if asks or rng.random() < 0.5:
        reason = rng.choice(_lines(_BEFORE))
        return f"{reason}{rng.choice([', ', ', ', '. ', ', so ', ' - '])}{text}"
    reason = rng.choice(_lines(_AFTER))
    if reason.startswith(_LOOSE):
        return f"{text}{' ' if text.endswith('?') else ', '}{reason}"
    return f"{text[:-1]} {reason}?" if text.endswith("?") else f"{text} {reason}"


_FIXES = {
    "turn_off": ("on", ("turn {it} off", "switch {it} off", "shut {it} off")),
    "turn_on": ("off", ("turn {it} on", "switch {it} on", "turn {it} back on")),
    "close": ("open", ("close {it}", "shut {it}", "close {it} please")),
    "open": ("closed", ("open {it}", "open {it} up", "open {it} for me")),
    "lock": ("unlocked", ("lock {it}", "lock {it} please", "go lock {it}")),
    "unlock": ("locked", ("unlock {it}", "unlock {it} for me", "unlock {it} please")),
}
_PROBLEMS = """{p} {be} still {s}, {f}|{p} {be} {s}, {f}|why {be} {p} {s}? {f}
I see {p} {be} {s}, {f}
someone left {p} {s}, {f}|I left {p} {s}, {f}|{p} shouldn't be {s}, {f}|if {p} {be} {s}, {f}
who left {p} {s}? {f}|I noticed {p} {be} {s}, could you {f}?|{p} {be} {s} again, can you {f}?
I don't want {p} {s}|I don't need {p} {s} anymore|nobody needs {p} {s}|no need for {p} to be {s}
I forgot to {verb} {p}|{p} must not stay {s}|don't leave {p} {s}|I think {p} {be} {s}, {f}"""


def problem(rng: Random, phrase: str, core: Core) -> str:
    """A complaint about the present state that asks for the opposite one."""
    state, fixes = _FIXES[core.intent.action]
    frames = _lines(_PROBLEMS)
    if core.intent.action in ("turn_on", "open", "unlock"):
        frames = [frame for frame in frames if "{f}" in frame and " left" not in frame]
    fix = rng.choice(fixes).format(it=core.noun.it)
    return rng.choice(frames).format(
        p=phrase, be=core.noun.be, s=state, f=fix,
        verb=core.intent.action.replace("_", " "),
    )  # fmt: skip


def contrast(rng: Random, text: str, core: Core) -> str:
    """Add what is *not* meant, so that a second place appears that must be ignored."""
    other = draw_place(rng)
    while other.room == core.intent.room:
        other = draw_place(rng)
    one = "ones" if core.noun.plural else "one"
    text = text.rstrip("?")
    that = f"the {one} {other.where}"
    as_is = f"as {core.noun.they} {core.noun.be}"
    tails = [f", not {other.the}", f", not {that}", f" but not {that}", f" instead of {that}",
             f" but leave {that} {as_is}"]  # fmt: skip
    return text + rng.choice(tails)
