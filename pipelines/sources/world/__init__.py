"""A small, deterministic world that sentences with known meanings are made from."""
