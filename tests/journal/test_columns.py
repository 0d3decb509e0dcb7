"""Every value of an operation is read back unchanged: odd characters, huge values, attachments, exceptions of tools."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_notebook.approvals.requests import Decision
from llm_notebook.errors import JournalError
from llm_notebook.journal.operations import Granted
from llm_notebook.journal.sqlite import open_sqlite_journal
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import (
    AttachmentPart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Usage,
    assistant,
    user,
)
from llm_notebook.tools.calls import ToolResult
from tests.journal.making import AT, begun, decided, done, ended, grant, moved, proposed, request

texts = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from(["\ud800", "\0", "a\0b\udfff"])
numbers = st.integers() | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**400])
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, json_values, max_size=3)
metadata = st.none() | objects.filter(bool)
attachments = st.builds(Attachment, type=st.just("image/png"), content=st.binary(max_size=20)) | st.builds(
    Attachment, type=st.none() | texts.filter(bool), url=texts.filter(bool)
)
parts = st.one_of(
    st.builds(TextPart, texts, metadata),
    st.builds(ReasoningPart, texts, st.booleans(), metadata),
    st.builds(ToolCallPart, texts, objects, st.none() | texts, st.booleans(), metadata),
    st.builds(
        ToolResultPart,
        name=texts,
        output=texts,
        tool_call_id=st.none() | texts,
        server_executed=st.booleans(),
        attachments=st.lists(attachments, max_size=2),
        exception=st.none() | texts,
        provider_metadata=metadata,
    ),
    st.builds(AttachmentPart, st.none() | attachments, metadata),
)
messages = st.lists(
    st.builds(
        Message,
        st.sampled_from(["system", "user", "assistant", "tool"]),
        st.lists(parts, max_size=3),
        st.none() | objects,
    ),
    max_size=3,
)
zones = st.none() | st.just(UTC) | st.just(timezone(timedelta(hours=5, minutes=45)))
times = st.datetimes(timezones=zones).filter(lambda at: 1 < at.year < 9999)
whatever = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
_count = iter(range(10**9))


@whatever
@given(
    asked=messages,
    said=messages,
    strings=st.lists(texts, min_size=8, max_size=8),
    extra=objects,
    at=times,
    data=st.data(),
)
def test_a_turn_comes_back_as_it_was(journal, asked, said, strings, extra, at, data):
    turn_id = f"{next(_count)}{strings[0]}"
    conversation, chain, parent, model, cell, notebook, error = strings[1:]
    turn = begun(
        turn_id,
        asked,
        conversation_id=conversation,
        chain_id=chain,
        parent_id=parent,
        model_id=model,
        settings=extra,
        cell_id=cell,
        notebook=notebook,
        at=at,
        is_whole=data.draw(st.booleans()),
    )
    usage = data.draw(st.none() | st.builds(Usage, st.none() | numbers, st.none() | numbers, st.none() | objects))
    end = ended(
        turn_id,
        said,
        status=data.draw(st.sampled_from(["complete", "interrupted", "failed"])),
        usage=usage,
        duration_ms=data.draw(st.none() | numbers),
        resolved_model=data.draw(st.none() | texts),
        error=error,
    )
    done(journal, turn, end)
    entry = journal.turn(turn_id)
    assert entry is not None
    assert entry.begun == turn
    assert (entry.status, entry.output, entry.usage) == (end.status, end.messages, usage)
    assert (entry.duration_ms, entry.resolved_model, entry.error) == (end.duration_ms, end.resolved_model, error)
    assert journal.chain(chain)[-1] == entry
    assert journal.latest_turn(cell_id=cell, notebook=notebook) == entry


@whatever
@given(
    strings=st.lists(texts, min_size=7, max_size=7),
    values=st.lists(objects, min_size=3, max_size=3),
    frozen=st.binary(),
    kept=st.lists(attachments, max_size=2),
)
def test_a_call_comes_back_as_it_was(journal, strings, values, frozen, kept):
    name, note, who, said, output, raised, reason = strings
    call_id = f"K{next(_count)}{name}"
    asked = replace(request(), reason=reason, arguments=values[0], input_schema=values[1], origin=[name])
    decision = Decision("approved", asked.digest, values[2], said)
    result = ToolResult(name, output, kept, call_id, exception=ValueError(raised))
    done(
        journal,
        proposed(call_id, tool_call_id=name + call_id, tool_name=name, arguments=frozen),
        moved(call_id, "proposed", "waiting", request=asked, note=note),
        replace(decided(call_id), decision=decision, who=who),
        moved(call_id, "approved", "started", owner=journal.owner, digest=asked.digest),
        moved(call_id, "started", "failed", result=result),
    )
    entry = journal.call(call_id)
    assert entry is not None
    assert (entry.tool_call_id, entry.tool_name, entry.arguments) == (name + call_id, name, frozen)
    assert (entry.request, entry.decision, entry.decided_by, entry.note) == (asked, decision, who, note)
    assert entry.result is not None
    assert replace(entry.result, exception=None) == replace(result, exception=None)
    assert f"{type(entry.result.exception).__name__}: {entry.result.exception}" == f"ValueError: {raised}"
    assert entry.state == "failed"


@whatever
@given(strings=st.lists(texts, min_size=5, max_size=5), at=times)
def test_a_grant_comes_back_as_it_was(journal, strings, at):
    given = grant(f"G{next(_count)}{strings[0]}", place=strings[1], who=strings[2], at=at)
    given = replace(given, tool_name=strings[3], identity=strings[4])
    done(journal, Granted(given))
    assert journal.grants()[-1] == given


def test_ten_megabytes_come_back(journal):
    text = "ä\0\ud800b" * 2_500_000
    content = bytes(range(256)) * 40_000
    asked = [user(text, Attachment(type="image/png", content=content))]
    done(journal, begun("T2", asked), ended("T2", text))
    done(journal, proposed("K1", "T2", arguments=content))
    entry = journal.turn("T2")
    assert entry.begun.messages == asked
    assert entry.output == [assistant(text)]
    assert entry.calls[0].arguments == content


def test_what_is_changed_after_it_was_handed_over_is_kept_as_it_was(journal):
    asked, settings_ = [user("before")], {"options": {"temperature": 1}}
    future = journal.submit(begun("T2", asked, settings=settings_))
    asked[0].parts[0] = TextPart("after")
    settings_["options"]["temperature"] = 2
    future.result(60)
    assert journal.turn("T2").begun.messages == [user("before")]
    assert journal.turn("T2").begun.settings == {"options": {"temperature": 1}}


def test_what_has_no_json_form_is_an_error_of_who_handed_it_over(journal):
    future = journal.submit(begun("T2", settings={"options": object()}))
    with pytest.raises(TypeError, match="JSON"):
        future.result(60)
    assert journal.turn("T2") is None


def test_the_same_attachment_is_stored_once(journal, path):
    content = b"\x89PNG" + b"x" * 1_000_000
    for number in range(20):
        picture = Attachment(type="image/png", content=content)
        done(
            journal,
            begun(f"P{number}", [user("look", picture)]),
            ended(f"P{number}", [assistant(AttachmentPart(picture))]),
        )
    journal.close()
    assert path.stat().st_size < 2_000_000
    with open_sqlite_journal(path) as again:
        assert again.turn("P19").output[0].parts[0].attachment.content == content


def test_a_newer_versions_fields_do_not_hide_an_older_ones(path):
    with open_sqlite_journal(path) as journal:
        done(journal, begun(), proposed(), moved("K1", "proposed", "waiting", request=request()))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE calls SET request = json_set(request, '$.invented_later', 1)")
    with open_sqlite_journal(path) as journal:
        assert journal.call("K1").request == request()


def test_a_value_that_makes_no_sense_is_told_as_damage(path):
    with open_sqlite_journal(path) as journal:
        done(journal, begun(), begun("T2"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE turns SET messages = '[{}]' WHERE turn_id = 'T1'")
    with open_sqlite_journal(path) as journal:
        with pytest.raises(JournalError, match=r"journal\.db is damaged"):
            journal.turn("T1")
        assert journal.turn("T2") is not None


def test_times_are_kept_to_the_microsecond_in_any_zone(journal):
    at = AT.astimezone(timezone(timedelta(hours=-9)))
    done(journal, begun("T2", at=at))
    assert journal.turn("T2").begun.at == at
