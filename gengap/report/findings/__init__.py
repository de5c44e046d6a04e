"""Findings on each claim of the two papers, by rules stated on the page."""
