"""The servers that are measured: one process each, one control surface for all of them."""
