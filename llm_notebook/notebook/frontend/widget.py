"""Our two widgets: a transcript, for front ends without our extension, and a hidden one that finds out whether widgets work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.frontend.bus import package_version, widget_script
from llm_notebook.notebook.frontend.kernel import comm_publisher
from llm_notebook.transcript.packing import packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    """A widget that closes its layout along with itself. Otherwise ipywidgets keeps the layout, a second model, alive."""

    def close(self) -> None:
        """Leave nothing behind in the kernel and in the page."""
        layout = self.layout if self.comm is not None else None
        super().close()
        if layout is not None:
            layout.close()


class ChannelWidget(_Closing):
    """A widget that shows nothing: its front-end code says hello as soon as a page has loaded it."""

    _esm = _HELLO

    def on_hello(self, received: Callable[[dict[str, Any]], None]) -> None:
        """Have `received` called with the hello of a page that can show our widgets."""

        def receive(_widget: object, content: object, _buffers: object) -> None:
            if isinstance(content, dict) and content.get("type") == "hello":
                received(content)

        self.on_msg(receive)


class TranscriptWidget(_Closing):
    """One live transcript.

    When a page asks for the state, `document` is the whole transcript. While the transcript streams, each delta is a further
    key, `d<seq>`, which a page keeps even before it shows the widget, so nothing is sent twice. `formulas` is the module that typesets
    formulas. It is large, so it is sent only before the first text that may hold one; a page cannot ask for it while a cell runs.

    Args:
        shell: the shell whose kernel owns the widget.
        document: returns the current document.
        received: called with what a reader does.

    Attributes:
        is_revived: whether a page that was loaded later shows the widget too. Display updates do not reach such a page.
    """

    _css = ""
    document = traitlets.Dict().tag(sync=True)
    formulas = traitlets.Unicode("").tag(sync=True)

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
        self._has_formulas = False
        super().__init__(
            _esm=script.read_text(encoding="utf-8"),
            _css=styles.read_text(encoding="utf-8") if styles.is_file() else "",
        )
        self.on_msg(self._receive)

    @property
    def is_revived(self) -> bool:
        return self._pages > 1

    def get_state(self, key: str | Iterable[str] | None = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return what ipywidgets sends when the widget is made and when a page asks for its state."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if "document" in state:
            state["document"] = self._current()
        if "formulas" in state:
            # It comes with later messages, or else with this state.
            self._has_formulas = self._has_formulas or _may_hold_formula(state.get("document", {}))
            state["formulas"] = _formula_script() if self._has_formulas else ""
        return state

    def _receive(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        if isinstance(content, dict) and content.get("type") == "hello":
            self._pages += 1
        elif isinstance(content, dict) and content.get("type") == "resync":
            # A view takes buttons only from this answer: setting the trait to an equal value would not notify it.
            self.send({"type": "state", "document": self._current()})
        else:
            self._received(content)

    def sender(self) -> Callable[[dict[str, Any]], None] | None:
        """Return a function that shows a `FromKernel` in the page, from any thread, on behalf of the running cell."""
        publish = comm_publisher(self._shell, self.model_id) if self.comm is not None else None
        if publish is None:
            return None

        def send(message: dict[str, Any]) -> None:
            if not self._has_formulas and _may_hold_formula(message):
                self._has_formulas = True
                publish(_update({"formulas": _formula_script()}))
            match message["type"]:
                case "delta":
                    name = f"d{message['seq']}"
                    delta, paths, buffers = packed(message)
                    publish(_update({name: delta}, [[name, *path] for path in paths]), buffers)
                case "state" | "record":
                    publish(_update({"document": message["document"]}))
                case _:
                    publish({"method": "custom", "content": message})

        return send


def _update(state: dict[str, Any], buffer_paths: Sequence[list[str | int]] = ()) -> dict[str, Any]:
    """Return the message of ipywidgets' protocol for new values of some traits, with the paths of the buffers in them."""
    return {"method": "update", "state": state, "buffer_paths": list(buffer_paths)}


def _may_hold_formula(message: dict[str, Any]) -> bool:
    """Return whether a text in a message or document has a character that may begin a formula. Half of `\\(` counts too."""
    ops = message.get("ops", ())
    blocks = [*message.get("document", message).get("blocks", ()), *(op.get("value") or op for op in ops)]
    return any("$" in text or "\\" in text for block in blocks if isinstance(text := block.get("text"), str))


def _formula_script() -> str:
    """Return the module that typesets formulas, or an empty text in a checkout where it has not been built."""
    script = widget_script()
    path = None if script is None else script.with_name("formulas.js")
    return path.read_text(encoding="utf-8") if path is not None and path.is_file() else ""
