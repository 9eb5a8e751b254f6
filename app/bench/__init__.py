"""How smooth the window is, measured on this machine."""
