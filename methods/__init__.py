"""The methods: one file each, found by presence; core/ holds what several share."""
