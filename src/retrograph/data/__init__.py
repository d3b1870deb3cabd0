"""`tf.data`: datasets, their transformations and iterators; `host` holds what runs.

Each transformation is an operation that makes a variant; iterators are resources of the session.
"""
