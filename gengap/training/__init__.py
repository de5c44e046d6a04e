"""The update, the loop around it, and what they need of the machine."""
