"""A name -> text, images, pairs or trajectories, generated from a seed or fetched with a checksum."""
