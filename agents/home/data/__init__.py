"""Training data of the smart-home agent."""
