"""Datasets as they run: a tree of objects, and iterators over them."""
