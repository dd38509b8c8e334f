"""Every architecture of the plan, one file each, to be read beside its paper. `catalog` lists them."""
