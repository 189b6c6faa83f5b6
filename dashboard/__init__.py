"""Everything that knows Streamlit: the pages, and what they draw."""
