"""Every setting of the running system, in one typed place.

Each field can be set by an environment variable ``PHILHARMONIC_<FIELD>``; the command line's
options override those.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agents.bases import profile_named

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where things live and how the servers are reached (frozen)."""

    model_config = SettingsConfigDict(env_prefix="PHILHARMONIC_", frozen=True, extra="ignore")

    home: Path = Field(default=Path("var"), description="registry, conversations, adapters, logs")
    agents_dir: Path = Field(
        default=ROOT / "agents", description="the catalog: one folder per agent"
    )
    router_dir: Path = Field(default=ROOT / "router" / "fitted", description="the fitted router")
    router_data: Path = Field(
        default=ROOT / "router" / "data", description="what the router is fitted and judged on"
    )
    host: str = Field(default="127.0.0.1", description="address the gateway listens on")
    port: int = Field(default=8080, ge=1, le=65535, description="port the gateway listens on")
    api_key: SecretStr | None = Field(
        default=None, description="key our own commands send to a gateway"
    )
    base: str = Field(default="default", description="base model profile the engine serves")
    engine_url: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="use these vLLM servers (comma-separated) instead of our own"
    )
    engine_key: SecretStr | None = Field(
        default=None, description="key those vLLM servers ask for (their own --api-key)"
    )
    engine_port: int = Field(
        default=0, ge=0, le=65535, description="port of our own vLLM server; 0: any free one"
    )
    engine_start_timeout_s: float = Field(default=300.0, gt=0, description="how long vLLM may take")
    max_in_flight: int | None = Field(
        default=None,
        ge=1,
        description="turns worked on at a time; None: as many as the base's engines batch",
    )
    max_queued: int = Field(default=64, ge=0, description="turns that may wait beside those")
    queue_timeout_s: float = Field(default=30.0, gt=0, description="how long one may wait")
    request_timeout_s: float = Field(
        default=300.0, gt=0, description="how long one answer may take, the wait included"
    )
    engine_wait_s: float = Field(
        default=90.0, gt=0, description="how long one may wait for an engine that is starting"
    )
    first_token_timeout_s: float = Field(
        default=60.0, gt=0, description="how long the engine may take to begin a streamed answer"
    )
    client_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="how long a client may take to send a request's head, its body, or to read on",
    )
    max_connections: int | None = Field(
        default=None,
        ge=1,
        description="connections open at a time; None: half of the files that may be open",
    )
    drain_timeout_s: float = Field(
        default=30.0, gt=0, description="how long answers may go on once we are told to stop"
    )
    route_timeout_s: float = Field(
        default=5.0,
        gt=0,
        description="how long one label read may take; then the fast path decides alone",
    )
    router_llm_url: str | None = Field(
        default=None,
        description="OpenAI-compatible endpoint (/v1 included) whose model is the router LLM",
    )
    router_llm_model: str = Field(default="", description="the endpoint's name of that model")
    router_llm_key: SecretStr | None = Field(default=None, description="the endpoint's key")
    speculate: bool = Field(
        default=False, description="begin the likely agent's answer while the label read runs"
    )
    reconcile_every_s: float = Field(
        default=2.0, gt=0, description="how often engines are compared"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="what the gateway logs; info: a line for each request"
    )
    otlp_endpoint: str | None = Field(
        default=None, description="OTLP/HTTP collector that traces are sent to; None: no traces"
    )
    tracking: Literal["mlflow", "off"] = Field(
        default="mlflow", description="where training runs are recorded beside their folders"
    )
    max_body_bytes: int = Field(default=1_000_000, gt=0, description="largest request body")

    @field_validator("engine_url", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """A URL or several, with commas between them."""
        if not isinstance(given, str):
            return given
        return tuple(url.strip() for url in given.split(",") if url.strip())

    @field_validator("engine_url")
    @classmethod
    def _each_once(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        urls = tuple(url.rstrip("/") for url in urls)
        for url in urls:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"{url!r} is not an http:// or https:// URL")
            if urls.count(url) > 1:
                raise ValueError(f"{url} is named twice")
        return urls

    @property
    def concurrency(self) -> int:
        """Turns worked on at a time by one engine."""
        return self.max_in_flight or profile_named(self.base).max_num_seqs

    def slots(self, engines: int) -> int:
        """Turns worked on at a time by so many engines; by none as if there were one."""
        return self.max_in_flight or self.concurrency * max(1, engines)

    @property
    def authorization(self) -> dict[str, str]:
        """The header that lets our own commands into a gateway; empty without a key."""
        return bearer(self.api_key)

    @property
    def cache(self) -> Path:
        """Folder of things that can be made again (prepared base models)."""
        return self.home / "cache"

    @property
    def logs(self) -> Path:
        """Folder of the engine's log files."""
        return self.home / "logs"


def bearer(key: SecretStr | None) -> dict[str, str]:
    """The HTTP header that carries a key, if there is one."""
    return {} if key is None else {"authorization": f"Bearer {key.get_secret_value()}"}
