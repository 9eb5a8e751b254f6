"""The networks: attention, encoders, decoders, and MPM made of them. Importing this package imports torch."""
