"""Training data: motion packs, virtual cameras, augmentation and the batches drawn from them."""
