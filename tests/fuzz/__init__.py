"""Mutated files for every reader: whatever a file holds, it is read or refused in a sentence (make fuzz)."""
