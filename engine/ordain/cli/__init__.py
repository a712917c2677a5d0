"""The command line: parses, calls the session, renders, exits; nothing else."""
