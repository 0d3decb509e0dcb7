"""The decoder of server-sent events, whose pieces may end anywhere."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from llm_notebook.providers.http.answers.sse import SSEDecoder

line_ends = st.sampled_from(["\n", "\r", "\r\n"])
texts = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8)
lines = st.one_of(
    texts.map("data: {}".format),
    texts.map("data:{}".format),
    texts.map("event: {}".format),
    texts.map(": {}".format),
    texts.map("id: {}".format),
    st.sampled_from(["", "", "data", "event", ":", "data: ", "retry: 5", "data: [DONE]", "data: 🦤é"]),
)


@st.composite
def transcripts(draw: st.DrawFn) -> bytes:
    body = "".join(line + draw(line_ends) for line in draw(st.lists(lines, max_size=12)))
    unfinished = draw(lines)
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + (body + unfinished).encode()


def decoded(*pieces: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    decoder = SSEDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)], decoder.pending


@given(transcripts())
@example(b"data: a\r\n\r\ndata: b\r\rdata: c\n\n")
@example(b"\xef\xbb\xbfdata: a\n\n")
def test_any_split_gives_the_same_as_the_whole(transcript: bytes) -> None:
    whole = decoded(transcript)
    for cut in range(len(transcript) + 1):
        assert decoded(transcript[:cut], transcript[cut:]) == whole
    assert decoded(*(transcript[at : at + 1] for at in range(len(transcript)))) == whole
    assert decoded(b"", *(transcript[at : at + 2] + b"" for at in range(0, len(transcript), 2)), b"") == whole


@given(st.lists(texts.filter(bool), min_size=1, max_size=5), line_ends)
def test_data_lines_of_an_event_are_joined_with_newlines(texts: list[str], end: str) -> None:
    transcript = "".join(f"data: {text}{end}" for text in texts) + end
    assert decoded(transcript.encode()) == ([("", "\n".join(texts).encode())], b"")


def test_comments_and_unknown_fields_do_not_show() -> None:
    assert decoded(b": keep-alive\n\nid: 7\nretry: 3\ndata: x\n\n")[0] == [("", b"x")]


def test_the_event_name_belongs_to_one_event() -> None:
    assert decoded(b"event: error\ndata: a\n\ndata: b\n\n")[0] == [("error", b"a"), ("", b"b")]


def test_an_event_name_without_data_names_nothing() -> None:
    assert decoded(b"event: error\n\ndata: b\n\n")[0] == [("", b"b")]


def test_one_space_after_the_colon_is_dropped() -> None:
    assert decoded(b"data:  x\n\ndata:y\n\n")[0] == [("", b" x"), ("", b"y")]


def test_the_byte_order_mark_counts_only_at_the_start() -> None:
    assert decoded(b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n")[0] == [("", b"a")]


def test_an_event_without_its_blank_line_is_not_given_out_but_pending() -> None:
    assert decoded(b"data: a\n\ndata: b") == ([("", b"a")], b"b")
    assert decoded(b"data: a\ndata: b\n") == ([], b"a\nb")


def test_whatever_an_event_without_end_is_made_of_is_counted() -> None:
    decoder = SSEDecoder()
    for line in (b"data: x\n", b"data:\n", b"data\n", b"data: "):
        before = decoder.waiting
        decoder.feed(line)
        assert decoder.waiting > before
