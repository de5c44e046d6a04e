"""What was found of each claim of the two papers, by rules that the page states."""
