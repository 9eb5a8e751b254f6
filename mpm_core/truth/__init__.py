"""Ground truth from motion capture for a clip of 2D: when it was recorded, and where the clip's camera sees it."""
