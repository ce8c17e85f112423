"""What people call each device, and the noun phrases that point at one."""

from dataclasses import dataclass
from random import Random

from .rooms import ENCLOSED, Place


@dataclass(frozen=True)
class Noun:
    """A device name; `be` and `it` agree with its number."""

    text: str
    plural: bool

    @property
    def be(self) -> str:
        return "are" if self.plural else "is"

    @property
    def it(self) -> str:
        return "them" if self.plural else "it"

    @property
    def they(self) -> str:
        return "they" if self.plural else "it"


# A number after a name is its weight; a name that ends in * is plural.
_NOUNS = {
    "light": """light 6|lights* 9|lamp 4|lamps* 2|bulb|bulbs*|ceiling light 2|ceiling lights*
spotlights*
floor lamp|table lamp|desk lamp|chandelier 2|LED strip|led lights*|reading lamp|wall lights*
pendant light|fairy lights*|bedside lamp|night light|overhead light|downlights*|lighting
lightbulb""",
    "thermostat": """thermostat 7|heating 6|heat 2|heater 2|AC 5|air conditioning 2
air conditioner 2|aircon
a/c|radiator 2|radiators*|central heating|climate control|furnace|underfloor heating""",
    "blind": """blinds* 8|blind 3|curtains* 6|curtain|shades* 4|shutters* 4|roller blinds*
roller shutter
drapes*|venetian blinds*|window shades*|window blinds*|shade|blackout blinds*""",
    "fan": """fan 8|ceiling fan 5|ventilator 2|extractor 2|extractor fan 2|exhaust fan|fans*
standing fan
desk fan|tower fan|ventilation fan|ceiling fans*""",
    "tv": "tv 5|TV 5|telly 4|television 4|tv set|smart tv|TVs*",
    "speaker": """speaker 5|speakers* 4|music 4|sound|soundbar 4|stereo 4|sound system 2|hi-fi|radio
smart speaker|bluetooth speaker|sonos""",
    "oven": "oven 8|stove 3|cooker 3",
    "vacuum": """vacuum 5|hoover 4|robot 2|roomba 4|robot vacuum 3|vacuum cleaner 2|robovac
cleaning robot|vacuum robot|robot hoover""",
    "camera": """camera 6|cameras* 2|security camera 3|security cam 2|cam 2|cctv|surveillance camera
security cameras*""",
}  # fmt: skip
# Said only when no place is named: the place would be part of the device's own name.
_ROOMLESS = {
    "door": """front door 6|back door 5|main door 2|side door 2|door 3|doors*|gate 3|front gate
main gate""",
    "camera": """doorbell camera 2|doorbell cam 2|front door camera 2|front door cam|doorbell
back door camera""",
}
_PLACED = {"door": "door 9|doors*|gate"}


def _parse(table: str) -> tuple[list[Noun], list[int]]:
    nouns, weights = [], []
    for entry in table.replace("\n", "|").split("|"):
        name, _, weight = entry.rpartition(" ")
        if not weight.isdigit():
            name, weight = entry, "1"
        nouns.append(Noun(name.rstrip("*"), name.endswith("*")))
        weights.append(int(weight))
    return nouns, weights


def draw_noun(rng: Random, device: str, place: Place | None) -> Noun:
    """A random name for the device, fit for use with or without a place."""
    table = _NOUNS.get(device, "")
    if place is None and device in _ROOMLESS and (device == "door" or rng.random() < 0.5):
        table = _ROOMLESS[device]
    elif device == "door":
        table = _PLACED["door"]
    nouns, weights = _parse(table)
    noun = rng.choices(nouns, weights)[0]
    if noun.text == "gate" and place is not None and not place.outdoor:
        return Noun("door", False)
    return noun


def roomless_phrase(rng: Random, noun: Noun) -> str:
    """A phrase like "the lamp", "my lamp", "all the lamps"."""
    plural = ["all the", "all", "both"] if noun.plural else ["the", "the", "that"]
    determiner = rng.choices(["the", "my", "our", rng.choice(plural)], [80, 8, 4, 8])[0]
    return f"{determiner} {noun.text}"


def placed_phrase(rng: Random, device: str, noun: Noun, place: Place) -> str:
    """A phrase like "the den lamp", "the lamp in the den", "the garage" for its door."""
    if device == "door":
        if place.bare in ENCLOSED and rng.random() < 0.35:
            return place.the
        if rng.random() < 0.3:
            link = rng.choice(["to", "to", "of"])
            return f"the {noun.text} {link} {place.the}"
        return f"{place.the} {noun.text}"
    if rng.random() < 0.55:
        plain = noun.plural and place.the.startswith("the ")
        many = "all " if plain and rng.random() < 0.06 else ""
        return f"{many}{_attributive(place)} {noun.text}"
    determiner = "all the" if noun.plural and rng.random() < 0.12 else "the"
    return f"{determiner} {noun.text} {place.where}"


def _attributive(place: Place) -> str:
    if place.the == place.where:
        return f"the {place.the}"
    return place.the
