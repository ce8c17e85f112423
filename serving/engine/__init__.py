"""The vLLM engine: its process, its client and its CPU plugin."""
