"""The page's address: what it asks for, and what is kept in it, so that a link opens what its sender saw.

Text in the address is whatever somebody wrote there: it is for `Setting.check` and the like to judge.
"""

import streamlit as st

MOST_FIGURES = 9  # of the number of a run

# Streamlit makes a new entry in the browser's history of each change that the server makes to the address, one for
# every parameter: Back would then undo settings one by one. Going to another page is what makes an entry here.
_ONE_ENTRY_A_PAGE = """<script>
if (!window.oneEntryAPage) {
    window.oneEntryAPage = true;
    const push = history.pushState;
    history.pushState = function (state, title, url) {
        const samePage = new URL(url, location.href).pathname === location.pathname;
        return (samePage ? history.replaceState : push).call(history, state, title, url);
    };
}
</script>"""


def open_page(page: str) -> None:
    """For the entry, at every run: the address then holds this page's parameters and no other page's."""
    st.html(_ONE_ENTRY_A_PAGE, unsafe_allow_javascript=True)
    if st.session_state.get("address_page") != page:
        st.session_state["address_page"] = page
        for name in st.session_state.pop("address_names", ()):
            st.query_params.pop(name, None)


def asked(name: str) -> str | None:
    """What the address asks for, once: None where it asks for nothing but what `keep` wrote there."""
    text = st.query_params.get(name)
    kept = st.session_state.setdefault("address", {})
    if text is None or text == kept.get(name):
        return None
    kept[name] = text
    return text


def asked_number(name: str) -> int | str | None:
    """What the address asks for, once, as a number; what is none, or beyond all numbers of runs, as it was written."""
    text = asked(name)
    return int(text) if text is not None and text.isdecimal() and len(text) <= MOST_FIGURES else text


def keep(name: str, value: str | int | None, *, on_all_pages: bool = False) -> None:
    """Write a parameter, of this page alone unless it is one of all pages; None takes it out."""
    text = None if value is None else str(value)
    st.session_state.setdefault("address", {})[name] = text
    if not on_all_pages:
        st.session_state.setdefault("address_names", set()).add(name)
    if st.query_params.get(name) != text:
        if text is None:
            del st.query_params[name]
        else:
            st.query_params[name] = text
