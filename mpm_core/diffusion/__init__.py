"""Diffusion of 3D motion: schedule and noise, sampling, guidance, and what many hypotheses say together."""
