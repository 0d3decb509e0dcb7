"""The lists that the subcommands show, in a notebook and in a terminal."""
