"""Data sets, their splits, sample order and augmentation."""
