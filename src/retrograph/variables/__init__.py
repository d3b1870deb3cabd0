"""Variables: how they are named, shared, made and initialized."""
