"""Where data come from; every source writes the same tree."""
