"""An animation rig of constant bone lengths, and how it follows joint positions."""
