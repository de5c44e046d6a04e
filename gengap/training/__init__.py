"""Training: the update, the loop around it, and the device it runs on."""
