"""Graph, operations, tensors, names, shapes, dtypes, the op table. Nothing here imports JAX."""
