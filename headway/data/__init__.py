"""A name -> text, images, pairs or trajectories, generated from a seed or fetched with a checksum."""

EPISODE = '{"states": [[...], ...], "actions": [[...], ...], "returns_to_go": [...]}'
"""How an episode is written down: see `headway.data.episodes`."""
