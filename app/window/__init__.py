"""The window: what is put together, its actions and what they do."""
