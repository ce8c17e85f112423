"""Requests that no domain agent should take: ingredients and the script that makes chains.jsonl."""
