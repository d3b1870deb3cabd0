"""Benchmarks of Retrograph against hand-written JAX, TensorFlow 1.15 and PyTorch: `python -m benchmarks`."""
