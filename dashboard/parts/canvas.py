"""The drawing board: room for a number, and a drawing that stays while its visitor looks at other pages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st
import streamlit_drawable_canvas
from streamlit.delta_generator import DeltaGenerator
from streamlit_drawable_canvas import st_canvas

from dashboard import session
from dashboard.parts import pulse, sheet
from dashboard.parts.sheet import Sheet

WIDTH_PX, HEIGHT_PX = 480, 320  # of the drawing itself; it is shown as large as its place allows
BRUSH_PX = 16
MOST_STATES = 100  # for Undo to go back to
INK = "#111111"

Stroke = dict[str, Any]  # a line as the canvas describes it
Strokes = list[Stroke]

# The canvas of its package, but within the page, and no longer in a shadow that no style reaches: its own toolbar would
# lie over the paper, unseen but clicked, and the paper would be cut off where it does not fit. And without its delay.
_BUILD = Path(streamlit_drawable_canvas.__file__).parent / "frontend" / "build"
[_STYLE], [_SCRIPT] = _BUILD.glob("index-*.css"), _BUILD.glob("index-*.js")
streamlit_drawable_canvas.out = st.components.v2.component(
    "canvas",
    html='<div class="canvas-root"></div>',
    css=_STYLE.read_text(encoding="utf-8"),
    js=(pulse.BROWSER / "canvas.js").read_text(encoding="utf-8").replace("FILE", _SCRIPT.name),
    isolate_styles=False,
)

# A drawing is ink on nothing, and the paper is its place's colour: so it can change with the theme and leave the ink.
STYLE = """<style>
.st-key-places { container-type: inline-size; }
.st-key-places_grid {
    display: grid;
    grid-template-columns: min(54%, max(20rem, 62vh)) minmax(0, 1fr);
    grid-template-rows: auto 1fr;
    gap: 0.5rem 2rem;
}
.st-key-places_grid > :first-child { grid-row: span 2; }
@container (width < 48rem) {
    .st-key-places_grid { grid-template-columns: minmax(0, 1.5fr) minmax(0, 1fr); }
    .st-key-places_grid > :first-child { grid-row: auto; }
    .st-key-places_grid > :last-child { grid-column: 1 / -1; }
}
@container (width < 34rem) { .st-key-places_grid { grid-template-columns: minmax(0, 1fr); } }

.st-key-board { container-type: inline-size; }
.st-key-paper {
    position: relative; gap: 0; background: light-dark(#ffffff, #919db7);
    outline: 1px solid light-dark(#d9deec, #323b52); outline-offset: -1px;
}
.st-key-paper img { border-radius: 0; }
.st-key-board .st-key-paper { width: 100%; aspect-ratio: SHAPE; }
.st-key-paper .dc-root { position: static; }
.st-key-paper .dc-scroll { overflow: visible; }
.st-key-paper :is(.dc-container, .canvas-container, canvas) {
    width: 100cqw !important;
    height: calc(100cqw / (SHAPE)) !important;
    touch-action: none;
}
.st-key-paper .dc-toolbar { display: none !important; }
:is(.st-key-undo, .st-key-clear) button { min-height: 2.75rem; }

/* over the paper, without room of their own; a pen goes through them, and while it draws they are out of its way */
:is(.st-key-boxes_on_paper, .st-key-boxes_on_picture) {
    position: absolute; inset: 0; z-index: 20; pointer-events: none;
}
.st-key-boxes { position: static !important; }
.st-key-paper:active .st-key-boxes_on_paper { opacity: 0.25; }
</style>""".replace("SHAPE", f"{WIDTH_PX} / {HEIGHT_PX}")


@dataclass(frozen=True)
class State:
    """What was drawn at some moment: the strokes, as the canvas knows them, and a picture of them, a PNG."""

    strokes: tuple[Stroke, ...] = ()
    png: bytes = b""


@dataclass
class Drawing:
    """A visitor's drawing, one for all pages: its states, the newest last, and what the canvas shows of it.

    A canvas that is given other strokes than those it began with, `first_shown`, begins anew, and drops what
    somebody is just drawing. So they change only where that is meant, with the `generation`.
    """

    states: list[State] = field(default_factory=lambda: [State()])
    generation: int = 0
    first_shown: Strokes = field(default_factory=list)
    last_said: Strokes = field(default_factory=list)
    # of the newest state alone: what is prepared of a hundred would fill the memory
    prepared: tuple[State, Sheet] | None = None

    @property
    def mark(self) -> str:
        """The generation as a colour of the ground that nobody sees: a canvas repeats it in all that it says."""
        return f"rgba({self.generation % 256}, 0, 0, 0)"

    def show(self) -> None:
        """Have the canvas begin with the newest state."""
        self.first_shown = self.last_said = list(self.states[-1].strokes)
        self.generation += 1

    def hear(self, mark: str, strokes: Strokes, png: Callable[[], bytes]) -> None:
        """Take what the canvas says, if it is not about strokes that were cleared or undone in the meantime."""
        if mark != self.mark or strokes == self.last_said:
            return
        self.last_said = strokes
        if len(strokes) == len(self.first_shown):  # what it was given, in other words
            return
        before = self.states[-1].strokes
        self.add(State((*before, *strokes[len(before) :]), png()))

    def sheet(self) -> Sheet | None:
        """The drawing as it can be read, by whatever network; None where nothing is drawn."""
        newest = self.states[-1]
        if not newest.strokes:
            self.prepared = None
        elif self.prepared is None or self.prepared[0] is not newest:
            self.prepared = (newest, sheet.of_drawing(newest.png))
        return self.prepared and self.prepared[1]

    def add(self, state: State) -> None:
        """A further state."""
        self.states = [*self.states, state][-MOST_STATES:]

    def clear(self) -> None:
        """An empty paper; Undo brings back what was on it."""
        self.add(State())
        self.show()

    def undo(self) -> None:
        """The state before."""
        self.states = self.states[:-1] or [State()]
        self.show()


def places() -> tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator]:
    """For the canvas; for the answer, always beside it; and for what comes beside or below, where there is room."""
    st.html(STYLE)
    with st.container(key="places"), st.container(key="places_grid"):
        return st.container(), st.container(), st.container()


def canvas(page: str, with_brush: bool = False) -> tuple[DeltaGenerator, Sheet | None]:
    """The paper to draw on, with buttons below it: where marks can come over it, and what is drawn."""
    drawing = st.session_state.setdefault("drawing", Drawing())
    with st.container(key="board", gap="small"):
        paper = st.container(key="paper")
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            undo, clear = st.container(width="content"), st.container(width="content")
            brush_px = _brush() if with_brush else BRUSH_PX
    key = f"{page}_canvas"
    if key not in st.session_state:  # a new visit to the page, and a new canvas
        drawing.show()
    with paper:
        drawn = st_canvas(
            stroke_width=brush_px,
            stroke_color=INK,
            background_color=drawing.mark,
            width=WIDTH_PX,
            height=HEIGHT_PX,
            initial_drawing={"objects": drawing.first_shown},
            return_image_data=True,
            key=key,
        )
    drawing.hear(drawn.json_data["background"], drawn.json_data["objects"], lambda: drawn.image_bytes)
    undo.button("Undo", icon=":material/undo:", key="undo", on_click=drawing.undo, disabled=len(drawing.states) < 2)
    clear.button(
        "Clear",
        icon=":material/ink_eraser:",
        key="clear",
        on_click=drawing.clear,
        disabled=not drawing.states[-1].strokes,
    )
    return paper, drawing.sheet()


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
