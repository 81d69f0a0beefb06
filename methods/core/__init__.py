"""What several methods share: the contract, the encoder, losses, the momentum parts, the training loop."""
