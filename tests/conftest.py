"""For every test: the settings of whoever runs them stay outside."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _our_settings_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name in os.environ:
            if name.startswith("PHILHARMONIC_"):
                environment.delenv(name)
        yield
