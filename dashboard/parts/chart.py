"""A chart of plotly's for what goes on: it gets new values in its place, so nothing flickers and a zoom stays.

Streamlit's own makes another chart of every change. This one is drawn by the browser with the library that comes
with plotly, fetched from this server when the first such chart is looked at.
"""

from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
from starlette.requests import Request
from starlette.responses import FileResponse

from dashboard.parts import pulse

LIBRARY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
A_YEAR_SECONDS = 365 * 24 * 3600  # another version has another address

# plotly's styles are the document's: in a world of its own, a chart would have none
_chart = pulse.component("chart", "chart.html", "chart.css", "chart.js", isolated=False)


def show(figure: go.Figure, key: str, config: dict[str, Any], alt: str) -> None:
    """The figure, in the theme's fonts and colours, with plotly's `config`; `alt` describes it."""
    data = {"figure": figure.to_json(), "config": config, "alt": alt, "version": plotly.__version__}
    _chart(key=key, data=data)


def library(request: Request) -> FileResponse:
    """GET /plotly.js: what draws the charts."""
    return FileResponse(
        LIBRARY, media_type="text/javascript", headers={"Cache-Control": f"public, max-age={A_YEAR_SECONDS}, immutable"}
    )
