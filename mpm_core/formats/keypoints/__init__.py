"""Owns the readers of 2D keypoints that detectors and annotation tools write: each file one kind of program."""
