"""An agent that always says the same: a polite refusal where nothing else fits."""

from pathlib import Path

import pytest
import yaml

from agents.config import AgentConfig, load_agent_config
from agents.errors import ConfigError
from agents.settings import ROOT
from tests.unit.gateway_over_toy import chat, content_of, gateway, stream, text_of
from tests.unit.running_gateway import write_catalog
from tests.unit.toy_vllm import ToyVllm

REFUSAL = "I can help with schedules, the smart home, SQL and support tickets."


def refusing_catalog(folder: Path) -> Path:
    """The shipped catalog, with a refusal in the place of the base model."""
    write_catalog(folder, "cron", "general", "home", "sql", "triage")
    file = folder / "general" / "agent.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"reply": REFUSAL}))
    return folder


async def test_what_fits_no_agent_is_refused_politely_and_costs_no_tokens(tmp_path: Path) -> None:
    catalog = refusing_catalog(tmp_path / "agents")
    async with (
        ToyVllm().running() as engine,
        gateway(engine, tmp_path / "home", agents_dir=catalog) as (http, _),
    ):
        answer = await chat(http, "who wrote Dracula?")
        assert content_of(answer) == REFUSAL
        assert answer["model"] == "general@1"
        assert answer["usage"]["total_tokens"] == 0
        chunks = await stream(http, "hi there", stream_options={"include_usage": True})
        assert text_of(chunks) == REFUSAL
        assert chunks[-1]["usage"]["total_tokens"] == 0
        assert not engine.chats


def test_a_reply_and_an_adapter_exclude_each_other(tmp_path: Path) -> None:
    file = tmp_path / "agent.yaml"
    shipped = yaml.safe_load((ROOT / "agents" / "cron" / "agent.yaml").read_text())
    file.write_text(yaml.safe_dump(shipped | {"reply": REFUSAL}))
    with pytest.raises(ConfigError, match="needs no adapter"):
        load_agent_config(file)


def test_an_agent_without_a_reply_is_what_it_was_before_replies() -> None:
    config = load_agent_config(ROOT / "agents" / "general" / "agent.yaml")
    assert "reply" not in config.model_dump()
    assert AgentConfig.model_validate(config.model_dump()) == config
