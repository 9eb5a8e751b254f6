"""The viewer: a Qt window around mpm_core. Nothing here computes a pose."""
