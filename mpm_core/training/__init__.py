"""Training: configs, the losses of both stages, the loop, checkpoints and evaluation protocols."""
