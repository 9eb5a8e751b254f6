"""Films and pictures of answers: what can be asked for, what they are of, which frame is on when, and the files."""
