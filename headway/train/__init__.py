"""Batches, losses, optimisers, schedules, the loop and its checkpoints."""
