"""Speed, always against a reference in the same run, and what the loaders make of damaged input."""
