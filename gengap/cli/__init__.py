"""The command line: subcommands, their options, help and tab completion."""
