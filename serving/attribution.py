"""Who answered which turn of a conversation that the client keeps, not we.

An OpenAI client sends the whole history with every request, without saying who answered what.
We remember it by a digest of the history up to each answer; what we never saw (another gateway,
a restart) is routed again, turn by turn, as it was the first time.
"""

import hashlib
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, cast

from serving.turn import Exchange


class Attribution:
    """A bounded memory from histories to who answered them, and to what.

    Args:
        size: how many answers it holds; what was used longest ago is forgotten first.
        text_bytes: of replies by several agents, how much text; it may be the client's own.
    """

    def __init__(self, size: int = 50_000, text_bytes: int = 32_000_000) -> None:
        self._size = size
        self._text_bytes = text_bytes
        self._known: OrderedDict[bytes, dict[str, Any]] = OrderedDict()
        self._held_bytes = 0

    def recall(self, exchanges: Sequence[Exchange]) -> list[Exchange]:
        """The history with what is remembered of each exchange filled in."""
        digests = _digests(exchanges)
        return [
            cast(Exchange, {**exchange, "agent": None, **self._known.get(digest, {})})
            for exchange, digest in zip(exchanges, digests, strict=True)
        ]

    def remember(self, exchanges: Sequence[Exchange]) -> None:
        """Remember who answered the last turn of this history."""
        last: Mapping[str, Any] = exchanges[-1]
        if last["agent"] is None:
            return
        digest = _digests(exchanges)[-1]
        known = {key: last[key] for key in ("agent", "parts") if key in last}
        self._held_bytes += _text_bytes(known) - _text_bytes(self._known.pop(digest, {}))
        self._known[digest] = known
        while len(self._known) > self._size or self._held_bytes > self._text_bytes:
            _, oldest = self._known.popitem(last=False)
            self._held_bytes -= _text_bytes(oldest)


def _text_bytes(known: Mapping[str, Any]) -> int:
    """What the texts of an answer by several agents take in memory."""
    parts: Sequence[Exchange] = known.get("parts", ())
    return sum(sys.getsizeof(part["user"]) + sys.getsizeof(part["assistant"]) for part in parts)


def _digests(exchanges: Sequence[Exchange]) -> list[bytes]:
    """One digest for each prefix of the history."""
    running = hashlib.blake2b(digest_size=16)
    digests = []
    for exchange in exchanges:
        for text in (exchange["user"], exchange["assistant"]):
            encoded = text.strip().encode("utf-8", "surrogatepass")
            running.update(len(encoded).to_bytes(8, "big") + encoded)
        digests.append(running.copy().digest())
    return digests
