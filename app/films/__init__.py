"""Films and pictures, drawn without a window: the scene and the picture as the window draws them."""
