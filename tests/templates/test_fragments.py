"""Fragments behave as text, and references become fragments or one clear sentence."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.errors import FragmentNotFound, ModelError
from llm_notebook.parts.attachments import Attachment
from llm_notebook.templates.fragments import Fragment, resolve_fragments, split_reference
from llm_notebook.turns.prompt import Prompt

PICTURE = Attachment(type="image/png", content=b"\x89PNG")


def upper(argument: str) -> str:
    return argument.upper()


LOADERS = {
    "upper": upper,
    "sourced": lambda argument: Fragment(f"about {argument}", f"https://example.com/{argument}"),
    "picture": lambda argument: PICTURE,
    "both": lambda argument: [Fragment("text"), PICTURE, "plain"],
    "broken": lambda argument: 1 / 0,
    "empty": lambda argument: None,
    "none-found": lambda argument: [],
}


@given(st.text(), st.text())
def test_a_fragment_is_its_text(content, source):
    fragment = Fragment(content, source)
    assert fragment == content
    assert hash(fragment) == hash(content)
    assert json.dumps(fragment) == json.dumps(content)
    assert fragment.source == source
    assert Fragment(content).source == ""


def test_the_id_is_that_of_the_text_alone():
    assert Fragment("dog", "a").id() == Fragment("dog", "b").id() == hashlib.sha256(b"dog").hexdigest()


@pytest.mark.parametrize("remade", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_keep_the_source(remade):
    again = remade(Fragment("dog", "dogs.txt"))
    assert (again, again.source, type(again)) == ("dog", "dogs.txt", Fragment)


def test_fragments_go_into_a_prompt_as_text():
    prompt = Prompt("Which?", None, fragments=[Fragment("dog", "a"), Fragment("cat", "b")])
    assert prompt.messages[0].parts[0].text == "dog\ncat\nWhich?"


@pytest.mark.parametrize(
    ("reference", "halves"),
    [
        ("github:owner/repo", ("github", "owner/repo")),
        ("a-b_1:x:y\nz", ("a-b_1", "x:y\nz")),
        ("empty:", ("empty", "")),
        ("no prefix: here", None),
        ("./file:1", None),
        (":x", None),
        ("plain", None),
    ],
)
def test_a_reference_is_a_prefix_and_an_argument(reference, halves):
    assert split_reference(reference) == halves


def test_references_are_loaded_in_order_and_know_their_source():
    mine = Fragment("mine", "here")
    found = resolve_fragments(["upper:a", mine, "sourced:dogs", PICTURE, "picture:1"], LOADERS)
    assert found == ["A", "mine", "about dogs", PICTURE, PICTURE]
    assert found[1] is mine
    assert [one.source for one in found if isinstance(one, Fragment)] == [
        "upper:a",
        "here",
        "https://example.com/dogs",
    ]


def test_a_loader_may_give_several_or_none():
    found = resolve_fragments(["both:x", "none-found:x"], LOADERS)
    assert found == ["text", PICTURE, "plain"]
    assert found[0].source == found[2].source == "both:x"


def test_a_text_that_looks_like_a_reference_is_safe_inside_a_fragment():
    assert resolve_fragments([Fragment("upper:a")], LOADERS) == ["upper:a"]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("uper:x", "No fragment loader is called 'uper'. Did you mean 'upper'? There is both, broken, empty"),
        ("zzz:x", "No fragment loader is called 'zzz'. There is both, "),
        ("broken:x", "'broken:x' could not be loaded (ZeroDivisionError: division by zero)."),
        ("empty:x", "The loader of 'empty:x' gave NoneType, not text"),
        ("notes", "There is no fragment 'notes': write prefix:argument (both:…, "),
    ],
)
def test_what_cannot_be_loaded_is_named(reference, said):
    with pytest.raises(FragmentNotFound) as caught:
        resolve_fragments([reference], LOADERS)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_without_plugins_the_sentence_says_so():
    with pytest.raises(FragmentNotFound, match="'github': no installed plugin loads fragments"):
        resolve_fragments(["github:x"], {})


def test_a_loaders_own_sentence_is_kept():
    def needs_login(argument: str) -> str:
        raise ModelError("Log in with `gh auth login`.")

    with pytest.raises(FragmentNotFound, match=r"'gh:x' could not be loaded: Log in with `gh auth login`\."):
        resolve_fragments(["gh:x"], {"gh": needs_login})


def test_an_attachment_has_no_place_in_a_system_prompt():
    with pytest.raises(FragmentNotFound, match="'picture:1' is an attachment, and only text can go here"):
        resolve_fragments(["picture:1"], LOADERS, allow_attachments=False)


def test_other_references_can_be_tried_elsewhere_before_they_fail():
    def from_folder(name: str) -> Fragment | None:
        return Fragment("from a file", name) if name.endswith(".txt") else None

    found = resolve_fragments(["c:a.txt", "notes.txt", "upper:x"], LOADERS, otherwise=from_folder)
    assert [(one, one.source) for one in found] == [
        ("from a file", "c:a.txt"),
        ("from a file", "notes.txt"),
        ("X", "upper:x"),
    ]
    with pytest.raises(FragmentNotFound, match="'c'"):
        resolve_fragments(["c:other"], LOADERS, otherwise=from_folder)
