"""The JSON schema of ``agent.yaml``, for editors that complete and check as one writes."""

import json

from agents.config import AgentConfig


def schema_text() -> str:
    """The schema, as ``agents/agent.schema.json`` holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | AgentConfig.model_json_schema(), indent=2) + "\n"
