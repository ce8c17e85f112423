"""Serving: the vLLM engine, the conversation graph and the HTTP gateway."""
