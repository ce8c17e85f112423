"""The command line: each verb calls one room of the house.

Imports are inside the verbs: ``--help`` answers at once, and ``serve`` never loads torch.
"""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.errors import ConfigError, PhilharmonicError
from agents.settings import Settings
from router.loadtest.command import app as loadtest_app
from training.router_command import app as router_app

if TYPE_CHECKING:
    from agents.registry import Registry
    from serving.keys import KeyStore

app = typer.Typer(
    name="philharmonic",
    help="A router LLM dispatches each turn of a conversation to a domain-specific Phi-3 agent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(router_app, name="router")
keys_app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(loadtest_app, name="loadtest")

out = Console()
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
EngineUrl = Annotated[
    str | None, typer.Option(help="Use the vLLM server at this URL instead of starting one.")
]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    base: Annotated[str | None, typer.Option(help="Base model profile of our engine.")] = None,
    engine_url: Annotated[
        list[str] | None,
        typer.Option(
            help="Use the vLLM server at this URL instead of starting one; several times: all."
        ),
    ] = None,
) -> None:
    """Serve the agents over an OpenAI-compatible API; Ctrl-C stops everything.

    Starts vLLM (unless --engine-url is given), loads every agent's adapter, waits until a chat
    would succeed and says how to try it. Without options the settings' defaults hold; each can
    be set by an environment variable such as PHILHARMONIC_PORT.
    """
    from serving.run import serve as run

    run(_settings(host=host, port=port, base=base, engine_url=engine_url), out)


@app.command()
def chat(
    url: Annotated[str, typer.Option(help="The gateway.")] = "http://127.0.0.1:8080",
    model: Annotated[str, typer.Option(help="auto, or the agent that must answer.")] = "auto",
) -> None:
    """Talk to a running server; every answer says who gave it. Ctrl-D ends."""
    from serving.terminal import converse

    converse(url, model, _settings().authorization, out)


@app.command("agents")
def list_agents(as_json: AsJson = False) -> None:
    """List every published agent with its versions, scores and which one is live."""
    registry = _registry()
    live = {name: version.number for name, version in registry.live().items()}
    rows: list[dict[str, Any]] = [
        {
            "agent": version.agent,
            "version": version.number,
            "live": live.get(version.agent) == version.number,
            "base": version.config.base,
            "scores": version.manifest.get("scores"),
        }
        for name in registry.agents()
        for version in registry.versions(name)
    ]
    if as_json:
        print(json.dumps(rows))
        return
    table = Table("agent", "version", "live", "base", "score", "base's score")
    for row in rows:
        scores: dict[str, Any] = row["scores"] or {}
        shown = [f"{scores[key]:.1%}" if key in scores else "" for key in ("adapter", "base")]
        live_mark = "yes" if row["live"] else ""
        table.add_row(str(row["agent"]), str(row["version"]), live_mark, str(row["base"]), *shown)
    out.print(table)


@app.command()
def publish(agent: Annotated[str, typer.Argument(help="Name of a catalog agent.")]) -> None:
    """Publish an agent's adapter from its catalog folder; a running server loads it at once."""
    from serving.announce import served_base
    from serving.publish import publish_agent

    registry = _registry()
    version = publish_agent(registry, _settings(base=served_base(_settings())), agent)
    registry.activate(agent, version.number)
    out.print(f"{version.model} is live")


@app.command()
def rollback(agent: Annotated[str, typer.Argument(help="Name of a published agent.")]) -> None:
    """Go back to the version that was live before; a running server follows at once."""
    from serving.announce import served_base

    version = _registry().rollback(agent, served_base(_settings()))
    out.print(f"{version.model} is live again")


@app.command()
def activate(
    version: Annotated[str, typer.Argument(help="A published version, such as sql@3.")],
) -> None:
    """Make any published version the live one; a running server follows at once."""
    from serving.announce import served_base

    registry = _registry()
    found = registry.version(version)
    registry.activate(found.agent, found.number, served_base(_settings()))
    out.print(f"{found.model} is live")


@app.command()
def train(
    agent: Annotated[Path, typer.Argument(help="The agent's folder or YAML file.")],
    engine_url: EngineUrl = None,
    force: Annotated[
        bool, typer.Option("--force", help="Install the adapter even if the gate says no.")
    ] = False,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Only show what would be taught, and what it would cost."),
    ] = False,
) -> None:
    """Train an agent's adapter, evaluate it on the served engine, and install it if it is good.

    On several GPUs: accelerate launch --multi-gpu -m philharmonic train AGENT, with the same YAML.
    The adapter ends up beside the YAML in adapter/; `philharmonic publish NAME` makes it live.
    """
    from agents.catalog import load_agent

    loaded = load_agent(agent)  # what is wrong with the YAML is said before torch is imported
    from training.pipeline import preview_agent, train_agent

    if preview:
        preview_agent(loaded, _settings(), out)
        return
    train_agent(loaded, _settings(engine_url=engine_url), force, err)


@app.command()
def add(
    agent: Annotated[Path, typer.Argument(help="The agent's YAML file, or its folder.")],
    engine_url: EngineUrl = None,
) -> None:
    """Make a new agent live: train, evaluate, gate, parity, router, publish, load.

    A running server takes it up without a restart. If any step says no, whatever was served
    before stays as it was. Killed? The same command again finishes the job.
    """
    from agents.catalog import load_agent

    loaded = load_agent(agent)
    from training.pipeline import add_agent

    add_agent(loaded, _settings(engine_url=engine_url), err)


@app.command()
def delete(
    version: Annotated[str, typer.Argument(help="Such as sql@3; never the live one.")],
) -> None:
    """Delete a version and its adapter for good."""
    registry = _registry()
    found = registry.version(version)
    registry.delete(found.agent, found.number)
    out.print(f"{found.model} is deleted")


@app.command()
def schema() -> None:
    """Print the JSON schema of agent.yaml, for editors."""
    from agents.schema import schema_text

    print(schema_text(), end="")


@keys_app.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="Who it is for.")],
    role: Annotated[
        Literal["chat", "admin"],
        typer.Option(help="chat: ask, route, look at metrics. admin: also change what is live."),
    ] = "chat",
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Default: any.")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(min=1, help="Default: any.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Requests at a time. Default: any.")
    ] = None,
) -> None:
    """Make a key and print it, this once; a running server takes it up within a second or two.

    With the first one, the server asks every caller for a key.
    """
    from serving.keys import KeyLimits

    limits = KeyLimits(requests_per_minute, tokens_per_minute, concurrency)
    key, secret = _key_store().create(name, role, limits)
    err.print(f"Key {key.id} for {escape(name)}; it is not shown again:", highlight=False)
    print(secret)


@keys_app.command("list")
def keys_list(as_json: AsJson = False) -> None:
    """List every key that was ever made."""
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "role": key.role,
            **asdict(key.limits),
            "created": _moment(key.created),
            "revoked": None if key.revoked is None else _moment(key.revoked),
        }
        for key in _key_store().all()
    ]
    if as_json:
        print(json.dumps(rows))
        return
    columns = ("id", "name", "role", "requests/min", "tokens/min", "at a time", "made", "revoked")
    table = Table(*columns)
    for row in rows:
        table.add_row(*("" if value is None else escape(str(value)) for value in row.values()))
    out.print(table)


@keys_app.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="As `list` shows it.")]) -> None:
    """Make a key worthless, within a second or two in a running server."""
    key = _key_store().revoke(key_id)
    out.print(f"Key {key.id} for {escape(key.name)} is revoked", highlight=False)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _settings(**given: Any) -> Settings:
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        faults = [
            f"setting {fault['loc'][0]}: {fault['msg']} (got {fault['input']!r}; an option or "
            f"PHILHARMONIC_{str(fault['loc'][0]).upper()} sets it)"
            for fault in error.errors()
        ]
        raise ConfigError("\n".join(faults)) from None


def _registry() -> "Registry":
    from agents.registry import Registry

    return Registry(_settings().home)


def _key_store() -> "KeyStore":
    from serving.keys import KeyStore

    return KeyStore(_settings().home)


def main() -> None:
    """Run the command line; errors of ours are printed without a traceback."""
    try:
        app()
    except PhilharmonicError as error:
        err.print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
