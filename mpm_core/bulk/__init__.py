"""Owns running one command over many inputs: what is meant by them, where outputs go, who works, and what is told."""
