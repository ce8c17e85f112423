"""Which of several engines gets a request: its conversation's own, unless that one is too busy.

An engine that has answered the turns before still has their prefix in its cache. Rendezvous
hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM ToN
1998) gives each key an order of the engines which the coming and going of others does not
change. How far affinity may go is bounded as in "Consistent hashing with bounded loads"
(Mirrokni, Thorup and Zadimoghaddam, SODA 2018): the first engine in that order gets the request
whose load stays within a factor of the average.
"""

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol, TypeVar

#: How far above the average load affinity may take an engine.
BOUND = 1.25


class Loaded(Protocol):
    """What the choice needs to know of an engine."""

    @property
    def name(self) -> str:
        """Tells it from the others, today and tomorrow."""

    @property
    def load(self) -> int:
        """Requests it works on now."""


_Engine = TypeVar("_Engine", bound=Loaded)


def choose(engines: Sequence[_Engine], key: str) -> _Engine:
    """The engine for a request, out of at least one.

    Args:
        key: the same for requests that begin alike.
    """
    if len(engines) == 1:
        return engines[0]
    most = math.ceil(BOUND * (1 + sum(engine.load for engine in engines)) / len(engines))
    # One of them is not above the average, and so has room.
    room = [engine for engine in engines if engine.load < most]
    digest = blake2b(key.encode(), digest_size=16).digest()
    return max(room, key=lambda engine: _rank(digest, engine.name))


def _rank(digest: bytes, name: str) -> bytes:
    return blake2b(name.encode(), key=digest, digest_size=8).digest()
