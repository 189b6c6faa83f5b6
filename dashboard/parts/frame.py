"""How things stand on a page, on every screen: columns that stack in time.

Styles follow the theme without asking which it is: light-dark() is the browser's own choice.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

# less empty space above the title and beside the page: on a phone, and on a projector, there is none to spare
STYLE = """
.stMainBlockContainer { padding: 3rem clamp(1rem, 4vw, 4rem) 4rem; }
/* the theme's main colour is to be read on its dark page, too: white on it could not be */
.stApp [data-testid=stBaseButton-primary]:enabled { color: light-dark(#ffffff, #10141f); }
.stApp [data-testid=stBaseButton-primary]:enabled:hover:not(:active) { color: #ffffff; }
/* at the top, they would hide what is set and started there */
div[data-testid=stToastContainer] { top: auto; bottom: 1rem; }
/* where a link leads, Streamlit's own bar must not lie over it */
.st-key-closer { scroll-margin-top: 3.5rem; }
.st-key-ways { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
.st-key-ways > *, .st-key-ways > * > * { height: 100%; }
@media (max-width: 1200px) { .stApp [data-testid=stMetricValue] { font-size: 1.4rem; } }
"""


# columns, each a share of the width and at least so many rem wide: where one would be narrower, they stack
COLUMNS = {
    "example_columns": ((1, 17), (2.4, 24)),
    "count_columns": ((1, 22), (1, 22)),
    "any_columns": ((1, 17), (2.4, 24)),
    "weight_columns": ((2, 28), (1, 17)),
    "mistake_columns": ((1, 26), (1, 20)),
    "compare_columns": ((2.4, 28), (1, 18)),
    "closer_columns": ((1, 20), (1, 20)),
    "trust_columns": ((1.4, 26), (1, 20)),
    "doubt_columns": ((1, 24), (1, 24)),
    "two_columns": ((1, 24), (1, 24)),
    "turn_columns": ((1, 22), (1, 22)),
}


def style() -> None:
    """What holds on all pages."""
    rules = (
        f".st-key-{key} .stColumn:nth-child({number}) {{ min-width: min(100%, {least}rem); }}"
        for key, sizes in COLUMNS.items()
        for number, (_, least) in enumerate(sizes, start=1)
    )
    st.html(f"<style>{STYLE}{''.join(rules)}</style>")


def columns(key: str) -> list[DeltaGenerator]:
    """The columns of this name."""
    with st.container(key=key):
        return st.columns([share for share, _ in COLUMNS[key]], gap="medium")
