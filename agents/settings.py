"""Every setting of the running system, in one typed place.

Each field can be set by an environment variable ``PHILHARMONIC_<FIELD>``; the command line's
options override those.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

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
    api_key: SecretStr | None = Field(default=None, description="key that every caller must send")
    base: str = Field(default="default", description="base model profile the engine serves")
    engine_url: str | None = Field(
        default=None, description="use this vLLM server instead of our own"
    )
    engine_port: int = Field(
        default=0, ge=0, le=65535, description="port of our own vLLM server; 0: any free one"
    )
    engine_start_timeout_s: float = Field(default=300.0, gt=0, description="how long vLLM may take")
    request_timeout_s: float = Field(
        default=300.0, gt=0, description="how long one answer may take"
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
    tracking: Literal["mlflow", "off"] = Field(
        default="mlflow", description="where training runs are recorded beside their folders"
    )
    max_body_bytes: int = Field(default=1_000_000, gt=0, description="largest request body")

    @property
    def cache(self) -> Path:
        """Folder of things that can be made again (prepared base models)."""
        return self.home / "cache"

    @property
    def logs(self) -> Path:
        """Folder of the engine's log files."""
        return self.home / "logs"
