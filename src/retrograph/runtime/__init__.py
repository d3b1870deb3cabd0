"""Running graphs: sessions, plans, lowering to XLA, state. JAX is used here and nowhere below."""
