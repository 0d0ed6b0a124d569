"""The page of a study of models: a chart and a table for each sweep, no script, no request."""

from spolia.core.sweep import SweepSummary
from spolia.report.axes import WIDTHS
from spolia.report.html import template
from spolia.report.sweep_chart import draw_sweep
from spolia.report.sweep_words import HEADS, TITLES, beside


def render_sweep(summary: SweepSummary) -> str:
    """Return the page of a study of models: the same text for the same input, and no names."""
    return template("sweep.html.jinja").render(
        summary=summary,
        charts=[
            [(name, draw_sweep(one, width=width)) for name, width in WIDTHS]
            for one in summary.sweeps
        ],
        titles=TITLES,
        heads=HEADS,
        beside=beside,
    )
