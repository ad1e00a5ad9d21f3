"""The command line: what its commands are, and what is the same for all of them."""
