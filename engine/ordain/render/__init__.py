"""Plan → text: terminal, JSON, Markdown; diagnostics, explanations, tables, progress. Pure functions."""
