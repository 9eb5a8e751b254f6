"""A seeded random user of the real window, for make soak and for half a minute of make test."""
