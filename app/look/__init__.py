"""How things look: themes, icons, pictures."""
