"""Recurrent networks: cells, wrappers, and the functions that run them over time."""
