"""Plan + facts → verdicts, and what changed in the settings. Pure."""
