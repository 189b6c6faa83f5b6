"""The drawing board: a square to draw in, and a drawing that stays while its visitor looks at other pages."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st
import streamlit_drawable_canvas
from streamlit.delta_generator import DeltaGenerator
from streamlit_drawable_canvas import st_canvas

from dashboard import session
from nnlib.digits import FoundDigit, find_digits

SIDE_PX = 420  # of the drawing itself; it is shown as large as its place allows
BRUSH_PX, BRUSH_SIDE_PX = 18, 280  # a brush's width, and the side of a drawing that it is said for
MOST_STATES = 100  # for Undo to go back to
INK = "#111111"

# The canvas as its package declares it, but within the page, and no longer in a shadow that no style reaches: its own
# toolbar would lie over the paper, unseen but clicked, and the paper would be cut off where it does not fit.
streamlit_drawable_canvas.out = st.components.v2.component(
    "streamlit-drawable-canvas.streamlit_drawable_canvas",
    html='<div class="canvas-root"></div>',
    css="index-*.css",
    js="index-*.js",
    isolate_styles=False,
)

# A drawing is ink on nothing, and the paper is its place's colour: so it can change with the theme and leave the ink.
STYLE = """<style>
.st-key-places { container-type: inline-size; }
.st-key-places_grid {
    display: grid;
    grid-template-columns: min(50%, max(15rem, 44vh)) minmax(0, 1fr);
    grid-template-rows: auto 1fr;
    gap: 0.5rem 2rem;
}
.st-key-places_grid > :first-child { grid-row: span 2; }
@container (width < 48rem) {
    .st-key-places_grid > :first-child { grid-row: auto; }
    .st-key-places_grid > :last-child { grid-column: 1 / -1; }
}
@container (width < 30rem) {
    .st-key-places_grid { grid-template-columns: minmax(0, 1fr); }
    .st-key-board { --side: min(100cqw, max(15rem, 36vh)) !important; }
}

.st-key-said { min-height: 13rem; }
.st-key-said [data-testid="stMetricValue"] { font-size: 3rem; line-height: 1.2; }

.st-key-board { container-type: inline-size; --side: min(100cqw, max(15rem, 44vh)); }
.st-key-paper { width: var(--side); height: var(--side); background: light-dark(#ffffff, #919db7); }
.st-key-paper .dc-root { position: static; }
.st-key-paper .dc-scroll { overflow: visible; }
.st-key-paper :is(.dc-container, .canvas-container, canvas) {
    width: var(--side) !important;
    height: var(--side) !important;
}
.st-key-paper .dc-toolbar { display: none !important; }
</style>"""


@dataclass(frozen=True)
class State:
    """What was drawn at some moment: the strokes, as the canvas knows them, and the digits in them."""

    strokes: tuple[dict[str, Any], ...] = ()
    digits: tuple[FoundDigit, ...] = ()


@dataclass
class Drawing:
    """A visitor's drawing, one for all pages: its states, the newest last, and what the canvas shows of it."""

    states: list[State] = field(default_factory=lambda: [State()])
    generation: int = 0  # of the canvas: another one begins with the newest state
    first_shown: list[dict[str, Any]] = field(default_factory=list)
    last_said: list[dict[str, Any]] = field(default_factory=list)

    def add(self, state: State) -> None:
        """A further state."""
        self.states = [*self.states, state][-MOST_STATES:]

    def clear(self) -> None:
        """An empty paper; Undo brings back what was on it."""
        self.add(State())
        self.generation += 1

    def undo(self) -> None:
        """The state before."""
        self.states.pop()
        self.generation += 1


def places() -> tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator]:
    """For the canvas; for the answer, always beside it; and for what comes beside or below, where there is room."""
    st.html(STYLE)
    with st.container(key="places"), st.container(key="places_grid"):
        return st.container(), st.container(), st.container()


def canvas(page: str, with_brush: bool = False) -> list[FoundDigit]:
    """A square to draw in, with buttons below it: the digits that are drawn, from left to right."""
    drawing = st.session_state.setdefault("drawing", Drawing())
    with st.container(key="board", gap="small"):
        paper = st.container(key="paper")
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            undo, clear = st.container(width="content"), st.container(width="content")
            brush_px = _brush() if with_brush else BRUSH_PX
    key = f"{page}_canvas_{drawing.generation}"
    if key not in st.session_state:
        # Only now: a canvas that is given other strokes later begins anew, and drops the stroke being drawn.
        drawing.first_shown = drawing.last_said = list(drawing.states[-1].strokes)
    with paper:
        drawn = st_canvas(
            stroke_width=round(brush_px * SIDE_PX / BRUSH_SIDE_PX),
            stroke_color=INK,
            width=SIDE_PX,
            height=SIDE_PX,
            initial_drawing={"objects": drawing.first_shown},
            return_image_data=True,
            key=key,
        )
    said = drawn.json_data["objects"]
    if said != drawing.last_said:
        drawing.last_said = said
        before = drawing.states[-1].strokes
        drawing.add(State((*before, *said[len(before) :]), tuple(find_digits(drawn.image_data))))
    undo.button("Undo", icon=":material/undo:", key="undo", on_click=drawing.undo, disabled=len(drawing.states) < 2)
    clear.button(
        "Clear",
        icon=":material/ink_eraser:",
        key="clear",
        on_click=drawing.clear,
        disabled=not drawing.states[-1].strokes,
    )
    return list(drawing.states[-1].digits)


def _brush() -> int:
    return st.slider(
        "Brush (pixels)",
        6,
        40,
        BRUSH_PX,
        key="brush",
        bind=session.bind_number("brush"),
        persist_state="session",
        width=150,
    )
