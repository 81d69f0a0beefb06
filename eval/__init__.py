"""How encoders are measured: SentEval's protocols and the geometry of embeddings."""
