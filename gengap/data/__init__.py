"""Data sets, their splits, the order of their samples and their augmentation."""
