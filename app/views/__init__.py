"""The views: image, scene and timeline. Each draws from the session; none knows of another."""
