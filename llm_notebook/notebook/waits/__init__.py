"""Questions that wait for a human: deciding them, running their cell again, and finding them in a later kernel."""
