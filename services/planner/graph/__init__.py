"""The knowledge graph: authored as a networkx multigraph, compiled once into the indexes that every request reads."""
