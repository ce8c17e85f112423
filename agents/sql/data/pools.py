"""Values that many columns share, named in domains.txt and families.txt."""

from __future__ import annotations


def _words(text: str, sign: str = " ") -> list[str]:
    return text.split(sign)


_FIRST = _words(
    "Ana John Maria Wei Fatima Tom Lena Raj Grace Omar Julia David Sara Emily Hugo Priya Alice Ben "
    "Nina Kofi Carlos Ingrid Mateo Yuki Chloe Ivan Amara Sven Leila Marcus"
)
_LAST = _words(
    "Silva Smith Lopez Chen Khan Baker Vogel Patel Kim Haddad Novak O'Neil Lindqvist Clark Martin "
    "Nair Wong Carter Rossi Mensah Diaz Weber Tanaka Moreau Okafor Jensen Fischer Costa Reyes Berg"
)
_ADJECTIVES = _words(
    "Silver Old Northern Quiet Golden Red Wild Royal Lucky Blue Hidden Iron Little Bright Grand "
    "Rapid Amber Frozen Green Velvet"
)
_NOUNS = _words(
    "Fox Mill Star Harbor Falcon River Crown Garden Comet Lion Bridge Meadow Tiger Anchor Forest "
    "Ember Valley Rocket Willow Pearl"
)
_SITES = _words("Park Rock Point Hill Creek Bay")


def _pairs(first: list[str], second: list[str]) -> list[str]:
    """Each first word with three of the second."""
    spots = [(a, i * 7 + k * 5) for i, a in enumerate(first) for k in (0, 1, 3)]
    return [f"{a} {second[at % len(second)]}" for a, at in spots]


POOLS: dict[str, list[str]] = {
    "person": _pairs(_FIRST, _LAST),
    "title": _pairs(_ADJECTIVES, _NOUNS),
    "place": _pairs(_NOUNS, _SITES),
    "nickname": _words(
        "Bella Max Luna Rocky Daisy Coco Shadow Biscuit Thunder Pepper Nala Oscar Ziggy Hazel"
    ),
    "brand": _words("Bosch Sony Makita Acme Lumen Nordika Vertex Kestrel Orbit Halden Zenko"),
    "language": _words("English Spanish German Arabic Hindi Polish Korean Dutch Swahili"),
    "city": _words(
        "Berlin,Paris,London,Madrid,Oslo,Tokyo,Chicago,Boston,Lisbon,Vienna,New York,Rome,Dublin,"
        "Toronto,Mumbai,Seattle,Hamburg,Prague,San Diego,Nairobi,Lima,Krakow,Osaka,Denver,Leeds,"
        "Ghent,Porto,Austin,Lyon,Cape Town,Hanoi,Zurich,Bergen,Quito",
        ",",
    ),
    "country": _words(
        "Germany France Spain Japan Canada Brazil India Norway Italy Mexico USA Kenya Poland "
        "Australia Portugal Greece Chile Egypt Vietnam Sweden Ireland Peru Turkey Ghana"
    ),
    "handle": _words("sunny42 markus_b lea techguy nora.k bookworm pixel7 jdoe anna_w"),
    "email": _words("gmail example.com company.org yahoo .edu hotmail"),
    "phone": _words("555 +49 +1 212"),
    "code": _words("978 A1 X9 00"),
    "url": _words("https .com .org"),
    "word": _words("great slow refund broken thanks error late timeout price"),
}
