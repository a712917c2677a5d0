"""The report's picture. The one module here that imports something big, and only once everything is measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib
from matplotlib import pyplot
from report import OPERATIONS, Key, Medians, peak, sizes_of

MEMORY = "memory"
TITLES = {key: OPERATIONS[key] for key in ("plan-new", "apply", "plan-unchanged", "plan-changed")} | {
    MEMORY: "peak memory"
}
COLOURS = {"ordain": "#0b6e99", "terraform": "#c2571a"}
DASHES = {"flat": "-", "layered": "--", "mixed": ":"}


def draw(found: Medians, folder: Path) -> None:
    """Write plot.svg and plot.png: wall time of each operation and peak memory over N, log-log, both tools."""
    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "ordain"  # the same numbers give the same file
    figure, panels = pyplot.subplots(2, 3, figsize=(13, 8), layout="constrained")
    for panel, (operation, title) in zip(panels.flat, TITLES.items(), strict=False):
        for tool, colour in COLOURS.items():
            for shape, dashes in DASHES.items():
                points = _points(found, tool, shape, operation)
                if points:
                    label = f"{tool}, {shape}"
                    panel.plot(*zip(*points.items(), strict=True), dashes, marker="o", color=colour, label=label)
        panel.set(xscale="log", yscale="log", title=title, xlabel="resources")
        panel.set_ylabel("MB" if operation == MEMORY else "seconds")
        panel.grid(True, which="major", alpha=0.3)
    panels.flat[-1].axis("off")
    panels.flat[-1].legend(*panels.flat[0].get_legend_handles_labels(), loc="center", frameon=False)
    figure.savefig(folder / "plot.svg", metadata={"Date": None})
    figure.savefig(folder / "plot.png", dpi=110)
    pyplot.close(figure)


def _points(found: Medians, tool: str, shape: str, operation: str) -> Mapping[int, float]:
    if operation == MEMORY:
        peaks = {size: peak(found, tool, shape, size) for size in sizes_of(found, shape)}
        return {size: value / 1e6 for size, value in peaks.items() if value is not None}
    keys = [Key(tool, shape, size, operation) for size in sizes_of(found, shape)]
    return {key.size: found[key].wall for key in keys if key in found}
