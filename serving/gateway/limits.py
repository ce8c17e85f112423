"""What each key may use: requests and tokens a minute, and requests at a time."""

import time

from serving.gateway.errors import ApiError
from serving.keys import Key, KeyLimits

# What a text is charged before its tokens are counted.
_BYTES_PER_TOKEN = 4


class Bucket:
    """So much a minute, refilled without pause; it may be overdrawn and is closed until refilled.

    `Token bucket <https://en.wikipedia.org/wiki/Token_bucket>`_ with a minute's worth of room.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._level = float(per_minute)
        self._at = time.monotonic()

    def level(self) -> float:
        """What may be used now; negative: overdrawn."""
        now = time.monotonic()
        self._level = min(self.per_minute, self._level + self._refill(now - self._at))
        self._at = now
        return self._level

    def use(self, amount: float) -> None:
        """Take so much, even more than there is."""
        self._level = self.level() - amount

    def seconds_until(self, amount: float) -> float:
        """How long it takes until the level is ``amount``."""
        return max(0.0, (amount - self.level()) * 60 / self.per_minute)

    def headers(self, what: str) -> dict[str, str]:
        """OpenAI's three headers about it."""
        return {
            f"x-ratelimit-limit-{what}": str(self.per_minute),
            f"x-ratelimit-remaining-{what}": str(max(0, int(self.level()))),
            f"x-ratelimit-reset-{what}": f"{self.seconds_until(self.per_minute):.3f}s",
        }

    def _refill(self, seconds: float) -> float:
        return seconds * self.per_minute / 60


class Account:
    """One key's use of its limits, as long as this gateway runs."""

    def __init__(self, limits: KeyLimits) -> None:
        self._requests = _bucket(limits.requests_per_minute)
        self._tokens = _bucket(limits.tokens_per_minute)
        self._concurrency = limits.concurrency
        self._active = 0

    def begin(self) -> "Spend":
        """Let a request in.

        Raises:
            ApiError: a limit is reached (429, with the time at which it is not any more).
        """
        if self._concurrency is not None and self._active >= self._concurrency:
            raise _exceeded(f"{self._concurrency} requests at a time", "concurrency", 1.0)
        for bucket, needed, what in ((self._requests, 1, "requests"), (self._tokens, 0, "tokens")):
            if bucket is not None and bucket.level() < needed:
                wait_s = bucket.seconds_until(max(needed, 1))
                raise _exceeded(f"{bucket.per_minute} {what} a minute", what, wait_s)
        if self._requests is not None:
            self._requests.use(1)
        self._active += 1
        return Spend(self)

    def end(self) -> None:
        """A request is over."""
        self._active -= 1

    def charge(self, tokens: float) -> None:
        """A request has used so many."""
        if self._tokens is not None:
            self._tokens.use(tokens)

    def headers(self) -> dict[str, str]:
        """``x-ratelimit-*``, for what is limited."""
        requests = self._requests.headers("requests") if self._requests else {}
        return requests | (self._tokens.headers("tokens") if self._tokens else {})


class Spend:
    """What one request uses.

    An answer that ends well is charged what the engine counted. One that was left early is
    charged its prompt, estimated, and an event of its stream as a token.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._body_bytes = 0
        self._is_settled = False
        self._events = 0

    def read(self, body_bytes: int) -> None:
        """So much of the request's body arrived."""
        self._body_bytes += body_bytes

    def settle(self, tokens: int) -> None:
        """Charge the engine's own count."""
        self._is_settled = True
        self._account.charge(tokens)

    def event(self) -> None:
        """A piece of the answer went out."""
        self._events += 1

    def end(self, failed: bool) -> None:
        """The request is over; one that failed costs nothing."""
        if not failed and not self._is_settled:
            prompt = self._body_bytes / _BYTES_PER_TOKEN
            self._account.charge(prompt + max(0, self._events - 1))
        self._account.end()


class Accounts:
    """The account of each key."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def of(self, key: Key) -> Account:
        """The key's account; a new one on its first request."""
        if key.id not in self._accounts:
            self._accounts[key.id] = Account(key.limits)
        return self._accounts[key.id]


def _bucket(per_minute: int | None) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute)


def _exceeded(limit: str, kind: str, wait_s: float) -> ApiError:
    message = f"This key is limited to {limit}. Try again in {wait_s:.1f} s."
    return ApiError(429, message, f"{kind}_limit_exceeded", retry_after_s=wait_s)
