"""Labelled conversations for the router and the script that composes them."""
