"""Papers' central statements as controlled experiments, one file each, with seeds, a negative control and a verdict."""
