"""Embeddings on disk: written shard by shard, resumable, memory-mapped when read."""
