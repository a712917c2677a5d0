"""Read-only looks at the world, and what they saw."""
