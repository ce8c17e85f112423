"""The app with the real engine behind it keeps to its own OpenAPI description."""

import pytest

from tests.integration.gateway import Gateway
from tests.schema_cases import ask_all

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("default")]


#: As many as fit into a test run; `python -m tests.schema_cases URL` asks 2,000.
CASES = 100


def test_no_server_error_and_no_undocumented_answer(server: Gateway) -> None:
    assert ask_all(server.url, CASES) >= 0.9 * CASES
