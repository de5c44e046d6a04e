"""gengap's loop and a typical training loop, measured in alternation on the same machine."""
