import json
import subprocess
import sys
from pathlib import Path

from agents.settings import Settings
from serving.announce import announced, running_server


def test_a_server_is_found_while_it_runs(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, port=8123)
    assert running_server(settings) is None
    with announced(settings, ["http://127.0.0.1:9000"]):
        found = running_server(settings)
        assert found is not None
        assert found.url == "http://127.0.0.1:8123"
        assert found.engine_urls == ["http://127.0.0.1:9000"]
        assert found.base == "default"
    assert running_server(settings) is None and not (tmp_path / "serve.json").exists()


def test_one_that_was_killed_is_not(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with announced(settings, ["http://127.0.0.1:9000"]):
        document = json.loads((tmp_path / "serve.json").read_text())
        (tmp_path / "serve.json").write_text(json.dumps(document | {"pid": dead.pid}))
        assert running_server(settings) is None
        (tmp_path / "serve.json").write_text("{")
        assert running_server(settings) is None
