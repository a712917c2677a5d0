"""Desired + Recorded + Observed → Plan. Pure: it returns a plan, or the looks at the world it still needs."""
