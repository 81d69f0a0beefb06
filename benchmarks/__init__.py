"""Speed, always against a reference in the same run."""
