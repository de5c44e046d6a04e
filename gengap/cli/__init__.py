"""What is typed: the commands, their options, help and completion."""
