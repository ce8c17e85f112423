"""The HTTP gateway: OpenAI's chat API over the conversation graph."""
