"""One real server for all tests: gateway, vLLM, our adapters, our router."""

import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from agents.bases import profile_named
from agents.catalog import Catalog, load_catalog
from agents.settings import ROOT
from serving.engine.base_model import base_model_path
from tests.integration.gateway import Gateway, serving

_CACHE = ROOT / "var" / "cache"
_SERVER = pytest.StashKey[Gateway]()

NewHome = Callable[[], Path]


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> NewHome:
    """Makes home folders of their own that share the checkout's prepared base."""

    def make() -> Path:
        home = tmp_path_factory.mktemp("home")
        _CACHE.mkdir(parents=True, exist_ok=True)
        (home / "cache").symlink_to(_CACHE)
        return home

    return make


@pytest.fixture(scope="session")
def server(
    new_home: NewHome, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Gateway]:
    """The gateway with its own engine that all tests share."""
    agents = tmp_path_factory.mktemp("catalog") / "agents"
    shutil.copytree(
        ROOT / "agents", agents, ignore=shutil.ignore_patterns("data", "*.py", "__pycache__")
    )
    with serving(new_home(), agents) as gateway:
        pytestconfig.stash[_SERVER] = gateway
        yield gateway


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The agents of the checkout."""
    return load_catalog(ROOT / "agents")


@pytest.fixture(scope="session")
def base_folder(server: Gateway) -> Path:
    """The prepared base model."""
    folder = base_model_path(profile_named("default"), server.home / "cache")
    assert isinstance(folder, Path)
    return folder


@pytest.fixture(scope="session")
def tokenizer(base_folder: Path) -> Tokenizer:
    """The base's tokenizer, without anything of transformers or vLLM around it."""
    return Tokenizer.from_file(str(base_folder / "tokenizer.json"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What changes the server for the others comes last: a new agent, then a killed engine."""
    last = ("test_add.py", "test_recovery.py")
    items.sort(key=lambda item: last.index(item.path.name) if item.path.name in last else -1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs with a failure."""
    report = yield
    server = item.config.stash.get(_SERVER, None)
    if report.failed and server is not None:
        report.sections += [(f"{name} log", text) for name, text in server.logs().items()]
    return report
