"""What goes by scope: choosing variables by their names."""
