"""The smart-home agent."""
