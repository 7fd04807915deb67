"""The commands, a file for each kind of work; `streams.cli` puts them together."""
