"""These tests take the page that the one before has left."""

from tests.browser.kept import kept, lab_page, page

__all__ = ["kept", "lab_page", "page"]
