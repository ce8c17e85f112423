"""Places: how people name them and the snake_case room each one stands for."""

import re
from dataclasses import dataclass
from random import Random

COMMON = """living room|bedroom|kitchen|bathroom|hallway|garage|dining room|office|study|kids room
guest room|master bedroom|basement|attic|garden|patio|laundry room|home office|nursery|den|lounge
porch|playroom|balcony|conservatory|cellar|utility room|hall|landing|family room|guest bathroom"""
RARE = """wine cellar|sun room|sunroom|mudroom|mud room|pantry|library|gym|home gym|workshop|shed
tool shed|greenhouse|pool house|guest house|boot room|cloakroom|en suite|ensuite|walk-in closet
dressing room|powder room|great room|drawing room|sitting room|tv room|games room|game room
media room|home cinema|home theater|music room|craft room|sewing room|art studio|studio
reading nook|breakfast nook|breakfast room|kitchenette|scullery|larder|foyer|entryway
entrance hall|lobby|vestibule|corridor|stairwell|staircase|loft|bonus room|rumpus room|rec room
man cave|bar|sauna|steam room|spa|pool area|terrace|deck|veranda|gazebo|pergola|courtyard
backyard|front yard|back garden|front garden|driveway|carport|barn|stable|boathouse|summer house
tree house|chicken coop|roof terrace|rooftop|orangery|observatory|server room|boiler room
storage room|box room|spare room|spare bedroom|junk room|prayer room|meditation room|yoga room
dog room|billiard room|snug|parlour|parlor|annex|granny flat|in-law suite|mezzanine|bunk room
washroom|wet room|shower room|toilet|closet|atrium|cabin|lab|darkroom|potting shed|bike shed
wood shed|trophy room|panic room|meeting room|waiting room|reception|ballroom|crawl space
linen closet|coat closet|coal cellar|root cellar|tasting room|tea room|sunken lounge|back porch
front porch|side passage|side yard|tea house|hot tub area|staff room|store room|sleeping loft
bedroom 2|bedroom 3|bathroom 2|room 12|room 5|study 2"""
OUTDOOR = set(
    """garden|patio|porch|balcony|terrace|deck|veranda|gazebo|pergola|courtyard|backyard|front yard
back garden|front garden|driveway|carport|chicken coop|roof terrace|rooftop|back porch|pool area
front porch|side passage|side yard|hot tub area|outside""".replace("\n", "|").split("|")
)
ON = {
    "patio", "porch", "balcony", "landing", "terrace", "deck", "veranda", "driveway",
    "roof terrace", "rooftop", "mezzanine", "staircase", "back porch", "front porch",
}  # fmt: skip
# Places one locks, opens and shuts by name: "close the garage".
ENCLOSED = {"garage", "shed", "tool shed", "greenhouse", "bike shed", "barn", "pool house"}

_ADJECTIVES = """upstairs|downstairs|second|third|small|big|large|main|front|back|spare|old|new|left
right|north|south|east|west|middle|blue|green|yellow|ground floor|first floor|second floor
top floor|attic|basement|kids|staff|rear|lower|upper|little|garden|corner|inner|outer"""
_BASES = """bathroom|bedroom|hallway|office|toilet|landing|study|lounge|kitchen|corridor|playroom
closet|living room|guest room|den|storeroom|balcony|shower room|porch"""
_HOBBIES = """lego|train|pottery|model|drum|guitar|piano|painting|puzzle|knitting|quilting|chess
poker
pool|darts|dance|ballet|boxing|rowing|archery|fishing|ski|surf|bike|bird|reptile|aquarium|orchid
plant|seed|herb|cheese|coffee|whisky|cigar|beer|baking|podcast|recording|photo|film|comic|toy
homework|zen|fossil|map|stamp|printing|wood|metal|sculpture|fencing|karate|pilates|weights"""
_HOBBY_BASES = ("room", "room", "room", "studio", "corner", "den", "nook", "lab")
_NAMES = """Emma|Noah|Mia|Leo|Ben|Anna|Lucy|Tom|Jake|Sofia|Olivia|Liam|Ava|Ethan|Zoe|Max|Ella|Oscar
Nina|Omar|Priya|Yuki|Ivan|Clara|Hugo|Maya|Freya|Theo|Rosa|Kai|Amir|Lena|Felix|Ruby|Finn|Ida|Jonah
Tara|Milo|Elsa|Ravi|Chloe|Daniel|Grace|Sam|Alex|Katie|Bruno|Nora|Peter"""
_FAMILY = "mum|mom|dad|grandma|granny|grandpa|nana|auntie Jo|uncle Bob|papa"
_RELATIVES = "son|daughter|brother|sister|mother|father|wife|husband|roommate|nephew"
_GROUPS = """kids'|boys'|girls'|twins'|baby's|children's|guests'|nanny's|teenagers'|maid's|cat's
dog's"""
_FLOORS = "ground floor|first floor|second floor|top floor|third floor|lower level"


def _words(block: str) -> list[str]:
    return block.replace("\n", "|").split("|")


def slug(name: str) -> str:
    """The room a place name stands for: "Mum's room" -> mums_room."""
    plain = re.sub(r"['’]", "", name.lower())
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


@dataclass(frozen=True)
class Place:
    """A place as said: `where` is "in the den", `the` is "the den", `bare` is "den"."""

    room: str
    bare: str
    the: str
    where: str
    outdoor: bool = False
    typo_safe: bool = False


def _ordinary(rng: Random, name: str, common: bool) -> Place:
    said = name
    if name == "kids room":
        said = rng.choice(["kids room", "kids' room", "kid's room", "kids’ room"])
    elif name == "living room" and rng.random() < 0.12:
        said = rng.choice(["livingroom", "living-room"])
    the = f"{rng.choices(['the', 'my', 'our'], [84, 11, 5])[0]} {said}"
    prep = "on" if name in ON or name.split()[-1] in ON else "in"
    return Place(slug(name), said, the, f"{prep} {the}", name in OUTDOOR, common)


def _owned(rng: Random) -> Place:
    kind = rng.choices(["name", "family", "relative", "group"], [45, 20, 15, 20])[0]
    base = rng.choice(["room", "room", "room", "bedroom", "bathroom", "office", "study", "den"])
    if kind == "name":
        owner, article = rng.choice(_words(_NAMES)) + "'s", ""
    elif kind == "family":
        owner, article = rng.choice(_words(_FAMILY)) + "'s", ""
    elif kind == "relative":
        owner, article = rng.choice(_words(_RELATIVES)) + "'s", "my "
    else:
        owner, article = rng.choice(_words(_GROUPS)), "the "
        base = rng.choice(["room", "bedroom", "bathroom", "playroom"])
    said = f"{owner} {base}"
    if rng.random() < 0.2:
        said = said.replace("'", "")
    return Place(slug(said), said, article + said, f"in {article}{said}")


def _area(rng: Random) -> Place:
    name = rng.choice(["upstairs", "downstairs", "outside", "upstairs", "downstairs", "floor"])
    if name != "floor":
        return Place(name, name, name, name, name in OUTDOOR)
    floor = rng.choice(_words(_FLOORS))
    return Place(slug(floor), floor, f"the {floor}", f"on the {floor}")


def draw_place(rng: Random) -> Place:
    """A random place: about half well-known ones, the rest there to teach copying."""
    kind = rng.choices(["common", "rare", "compound", "hobby", "owned", "area"],
                       [44, 25, 12, 6, 10, 3])[0]  # fmt: skip
    if kind == "common":
        return _ordinary(rng, rng.choice(_words(COMMON)), True)
    if kind == "rare":
        return _ordinary(rng, rng.choice(_words(RARE)), False)
    if kind == "compound":
        name = f"{rng.choice(_words(_ADJECTIVES))} {rng.choice(_words(_BASES))}"
        return _ordinary(rng, name, False)
    if kind == "hobby":
        name = f"{rng.choice(_words(_HOBBIES))} {rng.choice(_HOBBY_BASES)}"
        return _ordinary(rng, name, False)
    return _owned(rng) if kind == "owned" else _area(rng)


_OVEN_PLACES = (
    "kitchen", "kitchen", "kitchen", "kitchen", "basement kitchen", "outdoor kitchen", "annex",
    "guest house", "upstairs kitchen", "second kitchen", "granny flat", "downstairs kitchen",
    "cabin", "kitchenette", "garage", "summer house", "main kitchen", "small kitchen", "bakery",
    "baking room", "patio", "staff kitchen", "pool house", "back kitchen", "scullery", "cottage",
)  # fmt: skip
INDOOR_ONLY = {"thermostat", "blind", "vacuum", "tv", "fan"}


def place_for(rng: Random, device: str) -> Place:
    """A random place where the device is believable."""
    if device == "oven":
        return _ordinary(rng, rng.choice(_OVEN_PLACES), True)
    place = draw_place(rng)
    while (device in INDOOR_ONLY and place.outdoor) or (device == "door" and _doorless(place)):
        place = draw_place(rng)
    return place


def _doorless(place: Place) -> bool:
    return place.room in ("outside", "upstairs", "downstairs") or "floor" in place.room
