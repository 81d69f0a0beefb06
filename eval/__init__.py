"""How encoders are measured: SentEval's protocols, MTEB's retrieval and reranking, and the geometry of embeddings."""
