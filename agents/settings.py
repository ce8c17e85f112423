"""Every setting of the running system, in one typed place.

Each field can be set by an environment variable ``PHILHARMONIC_<FIELD>``; the command line's
options override those.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where things live and how the servers are reached (frozen)."""

    model_config = SettingsConfigDict(env_prefix="PHILHARMONIC_", frozen=True, extra="ignore")

    home: Path = Field(Path("var"), description="registry, conversations, adapters, logs")
    agents_dir: Path = Field(ROOT / "agents", description="the catalog: one folder per agent")
    router_dir: Path = Field(ROOT / "router" / "fitted", description="the fitted router")
    host: str = Field("127.0.0.1", description="address the gateway listens on")
    port: int = Field(8080, ge=1, le=65535, description="port the gateway listens on")
    base: str = Field("default", description="base model profile the engine serves")
    engine_url: str | None = Field(None, description="use this vLLM server instead of our own")
    engine_port: int = Field(8081, ge=1, le=65535, description="port of our own vLLM server")
    engine_start_timeout_s: float = Field(300.0, gt=0, description="how long vLLM may take")
    request_timeout_s: float = Field(300.0, gt=0, description="how long one answer may take")
    route_timeout_s: float = Field(5.0, gt=0, description="how long one label read may take")
    reconcile_every_s: float = Field(2.0, gt=0, description="how often engines are compared")
    max_body_bytes: int = Field(1_000_000, gt=0, description="largest request body")

    @property
    def cache(self) -> Path:
        """Folder of things that can be made again (prepared base models)."""
        return self.home / "cache"

    @property
    def logs(self) -> Path:
        """Folder of the engine's log files."""
        return self.home / "logs"
