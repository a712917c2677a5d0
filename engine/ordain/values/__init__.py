"""Pure values: what passes between the stages. Imports nothing of ours."""
