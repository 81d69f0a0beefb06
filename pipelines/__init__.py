"""The stages of dvc.yaml, one file each, and what they share."""
