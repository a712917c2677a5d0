"""From a plan's program to a state: steps run in order, are journalled before and after, and outlive the engine."""
