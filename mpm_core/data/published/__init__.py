"""Readers of published data sets that come as joint positions or body-model parameters."""
