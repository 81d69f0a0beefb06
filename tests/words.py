"""What generated test sentences are made of."""

WORDS = ["man", "woman", "dog", "cat", "guitar", "flute", "plays", "rides", "eats", "big", "two", "the", "a", "in"]
