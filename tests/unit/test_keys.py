"""Keys and their limits: made by the command line, asked for by a listening gateway."""

import asyncio
import json
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from agents.errors import StorageError
from serving.gateway import limits
from serving.gateway.errors import ApiError
from serving.gateway.limits import Account
from serving.keys import KeyLimits, KeyRing, KeyStore
from tests.unit.conftest import Cli
from tests.unit.running_gateway import CHAT, Running, running_gateway, until

HELLO = {"model": "general", "messages": [{"role": "user", "content": "hello"}]}
LONG = {"role": "user", "content": "hello " * 100}  # more than 100 tokens


def auth(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def ask(up: Running, key: str, **fields: object) -> httpx.Response:
    return await up.http.post(CHAT, json=HELLO | fields, headers=auth(key))


@asynccontextmanager
async def keyed(home: Path, limits: KeyLimits) -> AsyncIterator[tuple[Running, str, str]]:
    """A gateway, a key with these limits, and one without any."""
    _, key = KeyStore(home).create("limited", "chat", limits)
    _, other = KeyStore(home).create("other", "chat", KeyLimits())
    async with running_gateway(home) as up:
        yield up, key, other


def test_a_key_is_shown_once_listed_and_revoked(cli: Cli, home: Path) -> None:
    code, out, err = cli("keys", "create", "ops", "--role", "admin", "--tokens-per-minute", "9")
    secret = out.strip()
    assert code == 0 and secret.startswith("phil-") and secret not in err
    rows = json.loads(cli("keys", "list", "--json")[1])
    (row,) = rows
    assert (row["name"], row["role"], row["tokens_per_minute"]) == ("ops", "admin", 9)
    assert row["revoked"] is None
    assert "ops" in cli("keys", "list")[1]
    stored = (home / "keys.sqlite").read_bytes()
    assert secret.encode() not in stored and secret.rpartition("-")[2].encode() not in stored
    assert stat.S_IMODE((home / "keys.sqlite").stat().st_mode) == 0o600
    ring = KeyRing(KeyStore(home))
    found = ring.find(secret)
    assert found is not None and found.id == row["id"]
    assert cli("keys", "revoke", row["id"])[0] == 0
    ring.refresh()
    assert ring.find(secret) is None and ring.is_used and not ring.has_valid
    code, _, err = cli("keys", "revoke", "nobody")
    assert code == 2 and "no key 'nobody'" in err


def test_who_listens_to_others_needs_a_key_first(cli: Cli, home: Path) -> None:
    code, _, err = cli("serve", "--host", "0.0.0.0")
    assert code == 2 and "philharmonic keys create NAME --role admin" in err
    _, key = KeyStore(home).create("gone", "admin", KeyLimits())
    KeyStore(home).revoke(key.split("-")[1])
    assert cli("serve", "--host", "0.0.0.0")[0] == 2


async def test_only_who_has_a_key_of_the_right_role_comes_in(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        assert (await up.chat()).status_code == 200
        store = KeyStore(tmp_path)
        _, admin = store.create("ops", "admin", KeyLimits())
        chat_key, chat = store.create("app", "chat", KeyLimits())
        await until(lambda: up.state.keys.is_used)
        for wrong in ("x", admin[:-1], f"{admin}x", chat_key.id, f"phil-{chat_key.id}-"):
            refused = await ask(up, wrong)
            assert refused.status_code == 401, wrong
            assert refused.json()["error"]["code"] == "invalid_api_key"
            assert wrong not in refused.json()["error"]["message"]
        assert (await up.chat()).status_code == 401
        for path in ("/metrics", "/docs", "/openapi.json", "/admin/agents", "/v1/models"):
            assert (await up.http.get(path)).status_code == 401, path
        for path in ("/healthz", "/readyz"):
            assert (await up.http.get(path)).status_code == 200
        assert (await ask(up, chat)).status_code == 200
        assert (await up.http.get("/metrics", headers=auth(chat))).status_code == 200
        refused = await up.http.post("/admin/agents/sql/unload", headers=auth(chat))
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "permission_denied")
        assert (await up.http.get("/admin/agents", headers=auth(admin))).status_code == 200
        store.revoke(chat_key.id)
        async with asyncio.timeout(5):
            while (await ask(up, chat)).status_code != 401:
                await asyncio.sleep(0.05)


async def test_requests_a_minute(tmp_path: Path) -> None:
    async with keyed(tmp_path, KeyLimits(requests_per_minute=3)) as (up, key, other):
        for left in (2, 1, 0):
            answer = await ask(up, key)
            assert answer.status_code == 200
            assert answer.headers["x-ratelimit-limit-requests"] == "3"
            assert answer.headers["x-ratelimit-remaining-requests"] == str(left)
        refused = await ask(up, key)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert refused.headers["x-ratelimit-remaining-requests"] == "0"
        assert float(refused.headers["x-ratelimit-reset-requests"].rstrip("s")) <= 60
        assert refused.json()["error"]["code"] == "requests_limit_exceeded"
        assert (await ask(up, other)).status_code == 200
        assert (await up.http.get("/metrics", headers=auth(key))).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_tokens_a_minute(tmp_path: Path, stream: bool) -> None:
    async with keyed(tmp_path, KeyLimits(tokens_per_minute=1000)) as (up, key, _):
        up.engine.words = 1500
        first = await ask(up, key, stream=stream)
        assert first.status_code == 200
        refused = await ask(up, key)
        assert (refused.status_code, "1000 tokens a minute" in refused.text) == (429, True)
        assert refused.headers["x-ratelimit-remaining-tokens"] == "0"
        assert 25 <= int(refused.headers["retry-after"]) <= 31


async def test_a_stream_that_was_left_is_paid_for(tmp_path: Path) -> None:
    async with keyed(tmp_path, KeyLimits(tokens_per_minute=100)) as (up, key, _):
        up.engine.words, up.engine.gap_s = 10**6, 0.001
        body = HELLO | {"stream": True}
        async with up.http.stream("POST", CHAT, json=body, headers=auth(key)) as response:
            async for _ in response.aiter_lines():
                if up.engine.sent > 300:
                    break
        await until(lambda: up.state.drain.active == 0)
        assert (await ask(up, key)).status_code == 429


async def test_a_whole_answer_that_was_left_is_paid_for(tmp_path: Path) -> None:
    async with keyed(tmp_path, KeyLimits(tokens_per_minute=100)) as (up, key, _):
        up.engine.goes_on.clear()
        asked = asyncio.create_task(ask(up, key, messages=[LONG]))
        await until(lambda: up.engine.working == 1)
        asked.cancel()
        await until(lambda: up.state.drain.active == 0)
        up.engine.goes_on.set()
        assert (await ask(up, key)).status_code == 429


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_took_too_long_is_paid_for(tmp_path: Path, stream: bool) -> None:
    _, key = KeyStore(tmp_path).create("limited", "chat", KeyLimits(tokens_per_minute=100))
    async with running_gateway(tmp_path, request_timeout_s=0.3) as up:
        up.engine.goes_on.clear()
        assert (await ask(up, key, messages=[LONG], stream=stream)).status_code == 504
        up.engine.goes_on.set()
        assert (await ask(up, key)).status_code == 429


async def test_a_body_that_does_not_say_its_length_is_paid_for(tmp_path: Path) -> None:
    async def chunked() -> AsyncIterator[bytes]:
        yield json.dumps(HELLO | {"stream": True, "messages": [LONG]}).encode()

    async with keyed(tmp_path, KeyLimits(tokens_per_minute=100)) as (up, key, _):
        up.engine.words, up.engine.gap_s = 10**6, 1
        body = chunked()
        async with up.http.stream("POST", CHAT, content=body, headers=auth(key)) as response:
            await anext(response.aiter_lines())
        await until(lambda: up.state.drain.active == 0)
        assert (await ask(up, key)).status_code == 429


async def test_requests_at_a_time(tmp_path: Path) -> None:
    async with keyed(tmp_path, KeyLimits(concurrency=2)) as (up, key, other):
        up.engine.goes_on.clear()
        held = [asyncio.create_task(ask(up, key, stream=bool(n))) for n in range(2)]
        await until(lambda: up.engine.working == 2)
        refused = await ask(up, key)
        assert refused.json()["error"]["code"] == "concurrency_limit_exceeded"
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
        free = asyncio.create_task(ask(up, other))
        await until(lambda: up.engine.working == 3)
        up.engine.goes_on.set()
        assert [a.status_code for a in await asyncio.gather(*held, free)] == [200] * 3
        assert (await ask(up, key)).status_code == 200


def test_a_limit_refills_as_time_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.monotonic()]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    account = Account(KeyLimits(requests_per_minute=60, tokens_per_minute=600))
    for _ in range(60):
        account.begin().end(failed=True)
    with pytest.raises(ApiError) as refused:
        account.begin()
    assert refused.value.retry_after_s == pytest.approx(1.0)
    now[0] += 1.001
    spend = account.begin()
    spend.settle(1200)  # overdrawn by a minute's worth
    spend.end(failed=False)
    now[0] += 59.9
    with pytest.raises(ApiError, match="600 tokens a minute"):
        account.begin()
    now[0] += 1
    account.begin()


async def test_a_failed_request_costs_no_tokens(tmp_path: Path) -> None:
    async with keyed(tmp_path, KeyLimits(tokens_per_minute=5)) as (up, key, _):
        for _ in range(3):
            refused = await up.http.post(CHAT, json={"x": "y" * 1000}, headers=auth(key))
            assert refused.status_code == 400


async def test_keys_that_cannot_be_read_any_more_hold_as_they_were(tmp_path: Path) -> None:
    async with keyed(tmp_path, KeyLimits()) as (up, key, _):
        (tmp_path / "keys.sqlite").write_bytes(b"no database at all" * 100)
        with pytest.raises(StorageError, match="it is damaged"):
            up.state.keys.refresh()
        assert (await ask(up, key)).status_code == 200
        assert (await up.chat()).status_code == 401


def test_keys_of_a_path_that_cannot_be_looked_at_are_an_error_of_the_store(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be used"):
        KeyStore(tmp_path / ("x" * 300)).all()


async def test_keys_are_followed_whatever_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with keyed(tmp_path, KeyLimits()) as (up, key, _):
        with monkeypatch.context() as patched:
            patched.setattr(KeyStore, "all", lambda _: 1 / 0)
            async with asyncio.timeout(5):
                while "ZeroDivisionError" not in caplog.text:
                    await asyncio.sleep(0.01)
        KeyStore(tmp_path).revoke(key.split("-")[1])
        async with asyncio.timeout(5):
            while (await ask(up, key)).status_code != 401:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("leftover", [None, b""])
async def test_a_key_file_that_vanishes_opens_no_door(
    tmp_path: Path, leftover: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with keyed(tmp_path, KeyLimits()) as (up, key, _):
        path = tmp_path / "keys.sqlite"
        path.rename(tmp_path / "keys.moved")
        if leftover is not None:
            path.write_bytes(leftover)
        await until(lambda: "those known so far hold" in caplog.text)
        assert (await up.chat()).status_code == 401
        assert (await up.http.get("/admin/agents")).status_code == 401
        assert (await ask(up, key)).status_code == 200
        _, new = KeyStore(tmp_path).create("new", "chat", KeyLimits())
        async with asyncio.timeout(5):
            while (await ask(up, new)).status_code != 200:
                await asyncio.sleep(0.05)
        assert (await ask(up, key)).status_code == 401
