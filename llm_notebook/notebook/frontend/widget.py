"""The transcript as a widget, for front ends without our extension; and a hidden one that tells whether widgets are shown at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.frontend.bus import package_version, widget_script
from llm_notebook.notebook.frontend.kernel import comm_publisher

__all__ = ["ChannelWidget", "TranscriptWidget"]

Document = dict[str, Any]

_HELLO = f"""\
export default {{
  initialize({{ model }}) {{
    model.send({{ type: "hello", by: "widget", version: "{package_version()}" }});
  }}
}};
"""


class _Closing(anywidget.AnyWidget):
    """A widget whose layout, a model of its own, goes with it."""

    def close(self) -> None:
        """Leave nothing behind in the kernel and in the page."""
        layout = self.layout if self.comm is not None else None
        super().close()
        if layout is not None:
            layout.close()


class ChannelWidget(_Closing):
    """Shows nothing: its front-end code says hello as soon as a page has loaded it."""

    _esm = _HELLO

    def on_hello(self, heard: Callable[[], None]) -> None:
        """Have `heard` called when a page can show our widgets."""

        def told(_widget: Any, content: Any, _buffers: Any) -> None:
            if isinstance(content, dict) and content.get("type") == "hello":
                heard()

        self.on_msg(told)


class TranscriptWidget(_Closing):
    """One transcript, live.

    Its `document` is the whole of it when a page asks for the state; while it streams, each delta is one more key, `d<seq>`,
    which a page keeps even before it shows the widget. Nothing is sent twice.

    Args:
        shell: where it lives.
        document: makes the document as it is now.
        received: called with what a reader does.

    Attributes:
        is_revived: a page that was loaded since shows it, and no display update reaches that page.
    """

    _css = ""
    document = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        shell: InteractiveShell,
        document: Callable[[], Document],
        received: Callable[[dict[str, Any]], None],
    ) -> None:
        script = widget_script()
        assert script is not None
        styles = script.with_name("transcript.css")
        self._shell = shell
        self._current = document
        self._received = received
        self._pages = 0
        super().__init__(
            _esm=script.read_text(encoding="utf-8"),
            _css=styles.read_text(encoding="utf-8") if styles.is_file() else "",
        )
        self.on_msg(self._told)

    @property
    def is_revived(self) -> bool:
        return self._pages > 1

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """What ipywidgets sends when the widget is made and when a page asks for it."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if "document" in state:
            state["document"] = self._current()
        return state

    def _told(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, dict) and content.get("type") == "hello":
            self._pages += 1
        else:
            self._received(content)

    def sender(self) -> Callable[[dict[str, Any]], None] | None:
        """A function that shows a `FromKernel` in the page, from any thread, in the name of the cell that runs now."""
        publish = comm_publisher(self._shell, self.model_id) if self.comm is not None else None
        if publish is None:
            return None

        def send(message: dict[str, Any]) -> None:
            match message["type"]:
                case "delta":
                    publish(_update({f"d{message['seq']}": message}))
                case "state" | "record":
                    publish(_update({"document": message["document"]}))
                case _:
                    publish({"method": "custom", "content": message})

        return send


def _update(state: dict[str, Any]) -> dict[str, Any]:
    return {"method": "update", "state": state, "buffer_paths": []}
