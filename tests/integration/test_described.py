"""The app with the real engine behind it keeps to its own OpenAPI description."""

import pytest

from tests.integration.gateway import Gateway
from tests.schema_cases import ask_all

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("default")]


@pytest.mark.timeout(1800)
def test_no_server_error_and_no_undocumented_answer_in_2000_cases(server: Gateway) -> None:
    assert ask_all(server.url, 2000) >= 1900
