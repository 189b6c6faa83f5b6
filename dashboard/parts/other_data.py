"""What is said where the data are no digits, or not those that a network learned from."""

from pathlib import Path

import streamlit as st

from dashboard import resources
from dashboard.session import Choice
from dashboard.words import escape


def classes() -> str:
    """What each label stands for: `0 T-shirt, 1 trousers, ...`."""
    return escape(", ".join(f"{number} {name}" for number, name in enumerate(resources.data().names)), most=500)


def names() -> str:
    """What can be on these pictures: `T-shirt, trousers, ... or bag`."""
    *first, last = resources.data().names
    return escape(f"{', '.join(first)} or {last}", most=500)


def warn(choice: Choice) -> None:
    """Say it where the network was never meant for these pictures."""
    if choice.run is None and not resources.of_digits():
        said = "The pretrained network learned digits, and was never meant for these pictures: choose a network that "
        st.warning(f"{said}you trained on them.", icon=":material/warning:")
    elif choice.run is not None and _folder(choice.run.data_directory) != _folder(resources.DATA_DIRECTORY):
        said = (
            f"Run {choice.run.id} learned from other data than what is shown here: what it makes of this says little."
        )
        st.warning(said, icon=":material/warning:")


def _folder(directory: str | None) -> Path | None:
    return Path(directory).absolute() if directory else None
