"""Requests that a machine thinks up from the app's own description, and what must hold of each.

    python -m tests.schema_cases URL [CASES]

asks a running gateway, 2,000 times unless told otherwise; an answer that breaks the description
ends it with the request that got it.
"""

import sys

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def ask_all(url: str, cases: int) -> int:
    """Ask so many requests, half of them wrong on purpose; how many were asked."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    asked = 0
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @settings(
            max_examples=cases // 2,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=schema.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(checks=CHECKS, timeout=120)

        ask()
    return asked


if __name__ == "__main__":
    print(
        f"{ask_all(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000)} cases, no fault"
    )
