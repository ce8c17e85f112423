"""Put a server under load and report latency and routing accuracy together.

It talks HTTP only: nothing of the gateway, the engine or the router's own code runs here.
"""
