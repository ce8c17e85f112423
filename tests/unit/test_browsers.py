"""Without a key, what the pages of other sites have a browser ask is refused; nothing else is."""

from pathlib import Path

import pytest

from serving.keys import KeyLimits, KeyStore
from tests.unit.running_gateway import Running, running_gateway, until

UNLOAD = "/admin/agents/sql/unload"


async def refused(up: Running, headers: dict[str, str]) -> bool:
    """Whether every endpoint that matters says no, in the shape of an error."""
    said = [
        await up.http.get("/admin/agents", headers=headers),
        await up.http.get("/v1/models", headers=headers),
        await up.http.get("/metrics", headers=headers),
    ]
    if {answer.status_code for answer in said} == {200}:
        return False
    for answer in said:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "other_site")
        assert "philharmonic keys create" in answer.json()["error"]["message"]
    assert (await up.http.get("/healthz", headers=headers)).status_code == 200
    return True


async def test_a_page_of_another_site_changes_nothing(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        simple = {"sec-fetch-site": "cross-site", "content-type": "text/plain"}
        assert (await up.http.post(UNLOAD, headers=simple)).status_code == 403
        assert "sql" in up.state.lineup.live
        for site in ("cross-site", "same-site"):
            assert await refused(up, {"sec-fetch-site": site})
        for site in ("same-origin", "none"):
            assert not await refused(up, {"sec-fetch-site": site})
        assert (await up.http.post(UNLOAD)).status_code == 200


async def test_a_name_that_is_not_this_machines_is_refused(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as up:
        for host in (
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[",
        ):
            assert await refused(up, {"host": host}), host
        for host in ("localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.1.2.3", "[::1]:8080"):
            assert not await refused(up, {"host": host}), host


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"host": "gw.example:80"}])
async def test_whoever_has_a_key_may_ask_from_anywhere(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with running_gateway(tmp_path) as up:
        assert await refused(up, headers)
        _, key = KeyStore(tmp_path).create("ops", "admin", KeyLimits())
        await until(lambda: up.state.keys.is_used)
        assert not await refused(up, headers | {"authorization": f"Bearer {key}"})
