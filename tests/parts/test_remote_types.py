"""The type of what an address leads to, where its name does not tell: the server is asked, within the rule for redirects."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.parts import remote_types
from tests.fakes.faces import Face, asks
from tests.fakes.file_server import FileServer, Served


def _at(server: FileServer, path: str) -> str:
    return server.url(path)


def test_the_server_is_asked_once_for_a_type_that_the_name_does_not_tell(face: Face, file_server: FileServer) -> None:
    file_server.files["/tower"] = Served(b"x", headers={"content-type": "image/png; charset=binary"})
    model = face.model("Yo", attachment_types={"image/png"})
    conversation = model.conversation()
    face.text(conversation.prompt("Hi", attachments=[_at(file_server, "/tower")]))
    face.text(conversation.prompt("And?"))
    assert len({path for path, _ in file_server.requests}) == 1
    assert len(file_server.requests) <= 2
    assert model.requests[1].messages[0].parts[1].attachment.resolve_type() == "image/png"


def test_redirects_are_followed_within_what_may_be_reached(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_server.files["/from"] = Served(moved_to=_at(file_server, "/to"))
    file_server.files["/to"] = Served(b"x", headers={"content-type": "image/png"})
    assert llm.Attachment(url=_at(file_server, "/from")).resolve_type() == "image/png"
    resolved: list[Any] = [[(0, 0, 0, "", ("93.184.215.14", 80))], [(0, 0, 0, "", ("127.0.0.1", 80))]]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *args, **more: resolved.pop(0) if "type" in more and resolved else real(*args, **more),
    )
    with pytest.raises(ValueError, match="Cannot tell the type"):
        llm.Attachment(url=_at(file_server, "/from")).resolve_type()
    assert file_server.requests[-1][0] == "/from"


def test_a_redirect_is_judged_by_the_machine_that_it_reaches(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name may lead to a public address when it is judged, and to a private one a moment later."""
    file_server.files["/from"] = Served(moved_to=_at(file_server, "/to"))
    file_server.files["/to"] = Served(b"x", headers={"content-type": "image/png"})
    monkeypatch.setattr(remote_types, "_is_public", lambda _url: True)
    with pytest.raises(ValueError, match="Cannot tell the type"):
        llm.Attachment(url=_at(file_server, "/from")).resolve_type()
    assert {path for path, _ in file_server.requests} == {"/from"}


def test_a_server_that_does_not_answer_is_not_waited_for(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    file_server.files["/slow"] = Served(b"x", headers={"content-type": "image/png"})
    monkeypatch.setattr(remote_types, "_SECONDS", 0.05)
    monkeypatch.setattr(remote_types, "_ask", lambda _url: str(over.wait(30)))
    assert remote_types.type_at(_at(file_server, "/slow")) is None
    over.set()


def test_no_server_is_asked_for_what_a_tool_returned(face: Face, file_server: FileServer) -> None:
    def look() -> llm.ToolOutput:
        return llm.ToolOutput("seen", [llm.Attachment(url=_at(file_server, "/tower"))])

    model = face.rounds(asks(llm.ToolCall("look", {}, "1")), "done", attachment_types={"image/png"})
    assert face.text(model.chain("Hi", tools=[face.tool(look)])) == "done"
    assert file_server.requests == []
