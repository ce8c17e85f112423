"""Values as people say them, each with the value that the answer carries."""

from collections.abc import Callable
from random import Random

Said = tuple[str, int | float | str]
Sampler = Callable[[Random], Said]

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(number: int, hyphen: bool = False) -> str:
    """A whole number below 1000 in English words."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        tail = ("-" if hyphen else " ") + _ONES[number % 10] if number % 10 else ""
        return _TENS[number // 10] + tail
    rest = f" and {in_words(number % 100, hyphen)}" if number % 100 else ""
    return f"{_ONES[number // 100]} hundred{rest}"


def _number(rng: Random, number: int, words: float = 0.25) -> str:
    return in_words(number, rng.random() < 0.4) if rng.random() < words else str(number)


def percent(rng: Random) -> Said:
    number = rng.choice([rng.randrange(5, 101, 5), rng.randrange(10, 101, 10), rng.randint(1, 99)])
    said = _number(rng, number)
    if said.isdigit():
        return said + rng.choice(["", "%", "%", " percent", " percent", " per cent", " %"]), number
    return said + rng.choice(["", " percent", " percent", " per cent"]), number


def brightness(rng: Random) -> Said:
    if rng.random() < 0.14:
        full = ["full brightness", "full", "maximum brightness", "max brightness", "full power"]
        half = ["half", "half brightness"]
        said = rng.choice(full + half)
        return said, 50 if said in half else 100
    said, number = percent(rng)
    return said + (" brightness" if rng.random() < 0.1 else ""), number


def opening(rng: Random) -> Said:
    if rng.random() < 0.3:
        return rng.choice([("halfway", 50), ("half", 50), ("half way", 50), ("halfway", 50),
                           ("a quarter", 25), ("three quarters", 75)])  # fmt: skip
    return percent(rng)


def plain_number(low: int, high: int) -> Sampler:
    """A sampler of bare whole numbers, some of them in words."""

    def sample(rng: Random) -> Said:
        number = rng.randint(low, high)
        return _number(rng, number), number

    return sample


def volume(rng: Random) -> Said:
    if rng.random() < 0.25:
        return percent(rng)
    return plain_number(1, 80)(rng)


def speaker_volume(rng: Random) -> Said:
    if rng.random() < 0.12:
        said = rng.choice(["max", "full", "maximum", "half"])
        return said, 50 if said == "half" else "max"
    return volume(rng)


def temperature(rng: Random) -> Said:
    roll = rng.random()
    number: int | float = rng.randint(60, 80) if roll < 0.2 else rng.randint(12, 29)
    if 0.2 <= roll < 0.42:
        return _half_degree(rng, int(number))
    said = _number(rng, int(number))
    unit = ["", "", "", " degrees", " degrees"]
    if said.isdigit():
        unit += ["°", "°C", " °C", "C"] if number < 50 else ["°F", "F", " degrees fahrenheit"]
    elif number < 50:
        unit += [" degrees celsius"]
    return said + rng.choice(unit), number


def _half_degree(rng: Random, whole: int) -> Said:
    number = whole + 0.5
    said = rng.choice([f"{number}", f"{number}", f"{number} degrees", f"{number}°C",
                       f"{in_words(whole)} and a half", f"{in_words(whole)} point five",
                       f"{in_words(whole)} and a half degrees", f"{whole} and a half"])  # fmt: skip
    return said, number


def oven_temperature(rng: Random) -> Said:
    number = rng.choice([rng.randrange(140, 251, 10), rng.randrange(300, 476, 25)])
    said = _number(rng, number, 0.15)
    unit = ["", "", " degrees"]
    if said.isdigit():
        unit += ["°C", "C", "°"] if number < 260 else ["°F", "F"]
    return said + rng.choice(unit), number


def one_of(block: str) -> Sampler:
    """A sampler of strings that are answered as said, in lower case."""
    options = [option.strip() for option in block.replace("\n", "|").split("|")]

    def sample(rng: Random) -> Said:
        said = rng.choice(options)
        return said, said.lower()

    return sample


colour = one_of(
    """red|green|blue|yellow|orange|purple|pink|white|violet|turquoise|teal|magenta|cyan|gold|amber
warm white|cool white|cold white|soft white|sky blue|light blue|dark blue|deep purple|lime green
lavender|indigo|coral|peach|crimson|mint green|hot pink|daylight|ivory|rose|dark red|warm yellow
pale green|royal blue|navy blue|forest green|aqua|salmon|maroon|burnt orange|neon green|lilac"""
)
scene = one_of(
    """movie|reading|party|relax|romantic|night|dinner|focus|bedtime|sunset|candlelight|cozy|gaming
study|energize|disco|christmas|evening|morning|chill|cinema|work|sleep|sunrise|dim|bright|eco
date night|halloween|aurora|ocean|forest|fireplace|spa|yoga|cooking|wake up|concentrate|rainbow"""
)
climate_mode = one_of(
    "eco|cool|heat|auto|away|dry|sleep|comfort|holiday|vacation|boost|frost protection|home|night"
)
fan_mode = one_of("auto|sleep|turbo|quiet|night|breeze|boost|eco|silent|natural|summer|winter")
oven_mode = one_of("""grill|bake|roast|broil|defrost|keep warm|convection|pizza|steam|eco|fan bake
self-clean|top heat|bottom heat|air fry|slow cook|reheat|warm|proof""")  # fmt: skip
vacuum_mode = one_of(
    "turbo|quiet|eco|max|spot|silent|deep clean|mop|boost|standard|gentle|edge|carpet|night"
)
camera_mode = one_of(
    "night|privacy|away|home|sleep|patrol|tracking|live|standby|motion|record|day|vacation|guard"
)
app = one_of(
    """netflix|youtube|disney plus|prime video|apple tv|hulu|plex|twitch|hbo max|bbc one|itv|cnn
bbc two|espn|the discovery channel|cartoon network|hbo|sky sports|eurosport|mtv|bbc news|Netflix
national geographic|nickelodeon|hdmi 1|hdmi 2|Netflix|YouTube|Disney Plus|fox|nbc|arte|tnt
comedy central|the history channel|sky news|paramount plus|peacock|crunchyroll|bbc iplayer|abc"""
)
_genre = one_of(
    """jazz|classical|rock|pop|lo-fi|hip hop|blues|country|reggae|techno|ambient|salsa|soul|funk
metal|disco|indie|folk|piano|opera|k-pop|deep house|latin|gospel|swing|punk|acoustic|bossa nova
electronic"""
)
_named = one_of(
    """abba|queen|the beatles|radio 4|classic fm|kiss fm|bbc radio 2|capital fm|npr|spotify|Coldplay
white noise|rain sounds|Adele|radio 1|Mozart|Taylor Swift|bach|jazz fm|fleetwood mac|Miles Davis
ocean sounds|Beyonce|David Bowie|Bob Marley|Stevie Wonder|Daft Punk|radio paradise|Chopin|elvis
bird song|Nina Simone|rock fm|Billie Eilish|U2|Vivaldi|Pink Floyd|whale song|smooth fm|magic fm"""
)
_playlist = one_of(
    "workout|dinner|party|focus|sleep|road trip|morning|cooking|summer|chill|cleaning"
)


def music(rng: Random) -> Said:
    """Something to play; class words ("music", "playlist") are not part of the value."""
    roll = rng.random()
    if roll < 0.55:
        said, value = _genre(rng)
        wordings = [said, said, f"some {said}", f"{said} music", f"some {said} music"]
        return rng.choice(wordings), value
    if roll < 0.85:
        return _named(rng)
    said, value = _playlist(rng)
    return f"{rng.choice(['my', 'the'])} {said} playlist", value


def channel_name(rng: Random) -> Said:
    """An app, station or input; "the ... channel" around a name is not part of the value."""
    said, value = app(rng)
    return said, str(value).removeprefix("the ").removesuffix(" channel")


def fan_level(rng: Random) -> Said:
    said = rng.choice(["low", "low", "medium", "medium", "high", "high", "max", "full", "maximum"])
    return said, "max" if said in ("full", "maximum") else said
