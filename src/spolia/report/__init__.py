"""One self-contained page and one JSON text from an audit's summary."""

from spolia.report.html import render_html
from spolia.report.pairs import Details, Pair, Profile, redact
from spolia.report.summary_json import from_json, to_json

__all__ = ["Details", "Pair", "Profile", "from_json", "redact", "render_html", "to_json"]
