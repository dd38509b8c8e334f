"""What everything stands on: errors, atomic files, sources with checksums, the console. Nothing here needs tensors."""
