"""Requests that name no command: the state of the room says what is wanted."""

from random import Random

from .intent import Intent
from .rooms import place_for

# {w} "in the den" or "in here", {p} "the den" or "this place", {t} "the den" or nothing's place.
_HINTS: dict[tuple[str, str], str] = {
    ("turn_on", "light"): """it's too dark {w}|it's so dark {w}|I can't see anything {w}
it's pitch black {w}
I can't see a thing {w}|I need some light {w}|give me some light {w}|can we get some light {w}?
we need more light {w}|it's really gloomy {w}|why is it so dark {w}?|I can barely see {w}
let there be light {w}|I keep tripping because it's dark {w}|I can't find my keys, it's dark {w}
some light {w} would be nice|I'm sitting in the dark {w}|it's hard to read {w}, too dark|lights {w}
I'm scared of the dark {w}|I could use some light {w}|it got dark {w}|illuminate {p}
brighten up {p}""",
    ("turn_off", "light"): """lights out {w}|I can't sleep with the light on {w}
nobody needs light {w}
make it dark {w}|I want it dark {w}|make {p} dark|we're wasting electricity, lights out {w}
kill the lights {w}|no more light {w} please|darkness {w} please|it's bedtime, lights out {w}
I'd like to sit in the dark {w}|we don't need the light {w} any more|lights out {w} please""",
    ("open", "blind"): """let some light in {w}|let the sun in {w}|let some daylight in {w}
I want to see the view {w}|let the morning sun in {w}|let some sunlight in {w}
bring in the daylight {w}
I'd love some daylight {w}|let in some natural light {w}|I want to look out of the window {w}
I'd like to see outside {w}|let's get some sun {w}|show me the sunrise {w}""",
    ("close", "blind"): """the sun is blinding me {w}|the neighbours can see in {w}
keep the sun out {w}
the sun is in my eyes {w}|I want some privacy {w}|the sun is too strong {w}|block the sun {w}
people can look in {w}|there's glare on the screen {w}|give me some privacy {w}
block out the light {w}
shut out the sun {w}|I don't want anyone looking in {w}|too much sun {w}
keep the daylight out {w}""",
    ("turn_on", "fan"): """it's stuffy {w}|I need some air {w}|get some air moving {w}|it smells {w}
it's so stuffy {w}|there's no air {w}|I could use a breeze {w}|it's steamy {w}|air out {p}
the air is so stale {w}|get the air circulating {w}|it's full of smoke {w}|I'd like a breeze {w}
there's so much steam {w}|get rid of the smell {w}|ventilate {p}""",
    ("turn_on", "vacuum"): """the floor is filthy {w}|there are crumbs everywhere {w}
there's dog hair all over {p}
the floor is a mess {w}|the carpet is dirty {w}|it's dusty {w}|I spilled cereal on the floor {w}
the floor needs cleaning {w}|{p} needs a vacuum|{p} could use a hoover
the floor is covered in dust {w}
I dropped sugar all over the floor {w}|there's sand on the floor {w}|give {p} a quick clean
clean {p}
someone tracked dirt into {p}|the rug is full of cat hair {w}|{p} needs hoovering|sweep {p}""",
    ("turn_on", "tv"): """I want to watch something {w}|we want to watch the match {w}
let's watch a film {w}
I feel like watching a movie {w}|it's time for my show {w}|I'd like to watch tv {w}
I want to watch telly {w}
the game is about to start, get it on the screen {w}|let's watch some telly {w}""",
    ("turn_off", "tv"): """nobody's watching tv {w}|no more tv {w}|I'm done watching tv {w}
the kids have watched enough telly {w}|enough television {w}|we've finished watching tv {w}""",
    ("turn_on", "speaker"): """it's too quiet {w}|I want to hear some music {w}
I feel like listening to music {w}
we need some music {w}|some music {w} would be nice|I want music {w}|let's have some tunes {w}
play something {w}|how about some music {w}?|play a song {w}|let's dance {w}, put some music on""",
    ("turn_off", "speaker"): """no more music {w}|enough music {w}|I need silence {w}
I want some quiet {w}
I can't concentrate with that music {w}|quiet {w} please|I'm sick of this song, stop it {w}
stop that noise {w}|the music is bothering me {w}|the baby's asleep, no more music {w}""",
    ("turn_on", "oven"): """I'm about to bake a cake {w}|I want to bake bread {w}
I'm going to roast a chicken {w}
let's get ready to bake {w}|I'm making pizza {w}, get it preheating""",
    ("turn_off", "oven"): """we're done baking {w}|I'm done cooking {w}|the cake is done {w}
I've finished cooking {w}|the food is out of the oven {w}, we don't need it any more""",
    ("query", "camera"): """who's at the door?|who is at the front door?|is anyone outside?
any movement {w}?
what's happening {w} on camera?|is there anybody {w}? check the camera|who rang the bell?
did the camera catch anything {w}?|is somebody at the door?|show me what's going on {w}""",
    ("query", "thermostat"): """how's the temperature {w}?|is it freezing {w}?|is it hot {w}?
is it chilly {w}?
is it comfortable {w}?|how many degrees {w}?|is it too cold {w} for the baby?|is {p} warm enough?
is it still cold {w}?|how chilly is it {w}?|temp {w}?|temperature {w}|is {p} warm yet?""",
    ("query", "light"): """did I leave a light on {w}?|is it dark {w}?|are there lights on {w}?
is anything lit {w}?|did we leave the lights burning {w}?""",
    ("lock", "door"): """lock up|lock up the house|lock up for the night|lock everything|lock us in
we're leaving, lock up behind us|lock up, I'm going to bed|make sure we're locked in
I forgot to lock up|lock the house|lock up after me""",
    ("turn_on", "thermostat"): """get some heat going {w}|get it warm {w}|warm up {p}|heat up {p}
heat {p}
it's freezing {w}, put the heating on|it's boiling {w}, get the AC on|I want some heat {w}""",
}  # fmt: skip
_WEIGHTS = {"light": 3.0, "blind": 2.0, "vacuum": 2.0, "fan": 1.6}


def draw_implied(rng: Random) -> tuple[str, Intent]:
    """A random hint and the intent it stands for."""
    keys = list(_HINTS)
    action, device = rng.choices(keys, [_WEIGHTS.get(device, 1.0) for _, device in keys])[0]
    hint = rng.choice(_HINTS[action, device].replace("\n", "|").split("|"))
    takes_place = "{w}" in hint or "{p}" in hint
    if not takes_place or rng.random() < 0.3:
        text = hint.format(w=rng.choice(["in here", "in here", ""]), p="this place")
        return " ".join(text.split()).replace(" ?", "?").replace(" ,", ","), Intent(action, device)
    place = place_for(rng, device)
    return hint.format(w=place.where, p=place.the), Intent(action, device, place.room)
