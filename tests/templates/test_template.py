"""Templates: variables, files shared with the `llm` command, plugins' loaders, and one clear sentence for every error."""

from __future__ import annotations

import os
import string
import warnings
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llm.cli import load_template as load_in_llm

from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.folders import user_dir
from llm_notebook.errors import ModelError, TemplateError
from llm_notebook.templates.template import Template, list_templates, load_template, save_template

FULL = {
    "prompt": "Describe $input in the style of ${style}\nat length: 100 %",
    "system": "You speak Züritüütsch 🦤",
    "attachments": ["https://example.com/a.png"],
    "attachment_types": [{"type": "image/png", "value": "b.bin"}],
    "model": "gpt-4o",
    "defaults": {"style": "Snoopy"},
    "options": {"temperature": 0.5, "stop": None},
    "extract": True,
    "extract_last": False,
    "schema_object": {"type": "object", "properties": {"name": {"type": "string"}}},
    "fragments": ["github:me/mine"],
    "system_fragments": ["style.txt"],
    "tools": ["upper"],
    "functions": "def double(text: str) -> str:\n    return text * 2\n",
}


@pytest.fixture
def folder() -> Path:
    path = user_dir() / "templates"
    path.mkdir()
    return path


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / f"{name}.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("fields", "params", "expected"),
    [
        ({"prompt": "Say $input"}, {}, ("Say hi", None)),
        ({"prompt": "Say ${input}s for $$5"}, None, ("Say his for $5", None)),
        ({}, {}, ("hi", None)),
        ({"system": "Be $tone"}, {"tone": "kind"}, ("hi", "Be kind")),
        ({"prompt": "$a $b", "defaults": {"a": 1, "b": 2}}, {"b": "B"}, ("1 B", None)),
        ({"prompt": "$input", "defaults": {"input": "never"}}, {"input": "nor this"}, ("hi", None)),
        ({"prompt": "fixed", "system": "$input"}, {}, ("fixed", "hi")),
        ({"prompt": "$x"}, {"x": "$input ${y}"}, ("$input ${y}", None)),
    ],
)
def test_variables_get_their_values(fields, params, expected):
    assert Template(name="t", **fields).evaluate("hi", params) == expected


def test_what_is_given_is_not_changed():
    params, defaults = {"a": "1"}, {"b": "2"}
    template = Template(name="t", prompt="$a $b $input", defaults=defaults)
    template.evaluate("hi", params)
    assert (params, template.defaults) == ({"a": "1"}, {"b": "2"})


def test_missing_variables_are_named_in_order_and_once():
    template = Template(name="letter", prompt="$from to ${whom}: $input $from", system="$tone")
    with pytest.raises(Template.MissingVariables) as caught:
        template.evaluate("hi", {"tone": "kind"})
    assert str(caught.value) == "Template 'letter': Missing variables: from, whom. Give each a value."
    assert caught.value.names == ("from", "whom")
    assert isinstance(caught.value, ValueError)


def test_the_variables_can_be_listed():
    assert Template(name="t", prompt="$a ${b} $$c", system="$d $a").vars() == {"a", "b", "d"}
    assert Template.extract_vars(string.Template("$b ${a} $$c $b")) == ["b", "a"]


@pytest.mark.parametrize("text", ["costs $5", "100 $", "a ${ b}", "line\n$ x"])
def test_a_dollar_that_begins_no_variable_is_explained(text):
    with pytest.raises(TemplateError, match=r"Template 't': A '\$' at line \d, col \d+ begins no variable: write \$\$"):
        Template(name="t", prompt=text).evaluate("hi")


@given(st.text(), st.dictionaries(st.sampled_from(["a", "b", "input"]), st.text()))
def test_substitution_is_that_of_the_standard_library(text, params):
    template = Template(name="t", prompt="x" + text)
    try:
        expected = string.Template("x" + text).substitute({**params, "input": "hi"})
    except (KeyError, ValueError):
        with pytest.raises(TemplateError):
            template.evaluate("hi", params)
    else:
        assert template.evaluate("hi", params)[0] == expected


def test_a_template_is_saved_and_loaded(folder):
    template = Template(name="full", **FULL)
    path = save_template(template)
    assert path == folder / "full.yaml"
    assert load_template("full") == template
    assert load_template(str(path)).prompt == template.prompt


def test_saving_makes_the_folder_and_replaces_what_was_there():
    save_template(Template(name="t", prompt="one"))
    save_template(Template(name="t", prompt="two", model="m"))
    assert load_template("t").prompt == "two"
    assert yaml.safe_load((user_dir() / "templates" / "t.yaml").read_text()) == {"prompt": "two", "model": "m"}
    assert [path.name for path in (user_dir() / "templates").iterdir()] == ["t.yaml"]


def test_a_text_of_several_lines_stays_readable_in_the_file(folder):
    text = Template(name="t", prompt="First line\nSecond: line\n").stringify()
    assert text == "prompt: |\n    First line\n    Second: line\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t")),
    st.dictionaries(st.text(max_size=5), st.none() | st.text() | st.integers() | st.booleans(), max_size=3),
)
def test_any_text_survives_the_file(isolated, prompt, defaults):
    template = Template(name="t", prompt=prompt, defaults=defaults)
    save_template(template)
    assert load_template("t") == template


@pytest.mark.parametrize(
    "text", ["\x85", "a\u2028b\nc", "\u2029\n", "a\r\nb", " \n x \n", "\n", "a: b # c", "- x", "null", "\ufeff"]
)
def test_texts_that_yaml_makes_hard_survive_the_file(text):
    template = Template(name="t", prompt=text, defaults={text: text})
    save_template(template)
    assert load_template("t") == template


def test_the_llm_command_reads_what_we_write_and_the_reverse(folder):
    save_template(Template(name="full", **FULL))
    theirs = load_in_llm("full")
    assert theirs.model_dump() == load_template("full").model_dump() == {"name": "full", **FULL}
    assert theirs.evaluate("a dog", {}) == load_template("full").evaluate("a dog", {})
    to_save = {"model": "gpt-4o-mini", "prompt": "Zürich: $input\nnow", "defaults": {"a": "1"}}
    write(folder, "theirs", yaml.safe_dump(to_save, indent=4, default_flow_style=False, sort_keys=False))
    assert load_template("theirs").model_dump() == load_in_llm("theirs").model_dump()


@pytest.mark.parametrize(
    ("content", "prompt"),
    [
        ("Summarise this text", "Summarise this text"),
        ("'Quoted: text'", "Quoted: text"),
        ("Two\nlines", "Two lines"),
        ("42\n", "42"),
        ("yes", "yes"),
        ("\ufeffprompt: after a byte-order mark", "after a byte-order mark"),
    ],
)
def test_a_file_of_plain_text_is_a_prompt(folder, content, prompt):
    write(folder, "plain", content)
    template = load_template("plain")
    assert (template.name, template.prompt) == ("plain", prompt)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prompt: [unclosed", "is not valid YAML (line 1, column 18: "),
        ("prompt: x\n\tsystem: y", "is not valid YAML (line 2, column 1: "),
        ("!!python/object/apply:os.system ['true']", "is not valid YAML ("),
        ("", "is empty: write the prompt into it."),
        ("# only a comment", "is empty"),
        ("- a\n- b", "holds a list"),
        ("promt: x", "cannot be used: it has no field 'promt'. The fields are prompt, system, "),
        ("Translate: this", "If it is the text of a prompt, put `prompt: |` above it"),
        ("prompt: 3", "cannot be used: prompt: Input should be a valid string, not 3."),
        ("tools: upper", "cannot be used: tools: Input should be a valid list, not 'upper'."),
        ("model: 3.5", "cannot be used: model: Input should be a valid string, not 3.5."),
        ("1: x", "cannot be used: "),
        ("_from_own_file: true", "it has no field '_from_own_file'"),
        (b"prompt: \xff\xfe", "is not UTF-8 text"),
        ("[" * 5000, "is not valid YAML ("),
        ("date: 2026-99-99", "is not valid YAML (month must be in 1..12"),
    ],
)
def test_a_file_that_cannot_be_used_is_explained_in_one_line(folder, content, said):
    path = write(folder, "bad", content)
    with pytest.raises(TemplateError) as caught:
        load_template("bad")
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.exists()


def test_a_template_that_is_not_there_names_the_closest(folder):
    write(folder, "summary", "x")
    with pytest.raises(
        TemplateError, match=r"There is no template 'sumary' \(looked for .*sumary\.yaml\)\. Did you mean"
    ):
        load_template("sumary")


def test_without_the_folder_nothing_is_made():
    assert list_templates() == []
    with pytest.raises(TemplateError, match="There is no template 'x'"):
        load_template("x")
    assert not (user_dir() / "templates").exists()


def test_a_folder_where_the_file_belongs_is_told(folder):
    (folder / "odd.yaml").mkdir()
    with pytest.raises(TemplateError, match="cannot be read"):
        load_template("odd")
    assert list_templates() == []


def test_the_list_leaves_out_what_cannot_be_read(folder):
    write(folder, "b", "prompt: two")
    write(folder, "a", "one")
    write(folder, "bad", "prompt: [")
    (folder / "notes.txt").write_text("x")
    with pytest.warns(ConfigurationWarning, match=r"bad\.yaml is not valid YAML") as caught:
        templates = list_templates()
    assert [(template.name, template.prompt) for template in templates] == [("a", "one"), ("b", "two")]
    assert len(caught) == 1


@pytest.mark.parametrize("name", ["", " ", "..", "../up", "a/b", "a\\b", "c:x", "line\nbreak", "what?"])
def test_a_name_that_is_no_file_name_is_refused(name):
    with pytest.raises(TemplateError, match="cannot name a template file"):
        save_template(Template(name=name, prompt="x"))


def test_a_path_leads_elsewhere_and_a_name_does_not(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(folder, "same", "in the folder")
    (tmp_path / "same").write_text("not asked for")
    (tmp_path / "own.yaml").write_text("in the working directory")
    assert load_template("same").prompt == "in the folder"
    if os.name == "posix":
        (tmp_path / "gh:own.yaml").write_text("its name only looks like a loader's")
        assert load_template("gh:own.yaml", loaders={"gh": str}).prompt == "its name only looks like a loader's"
    assert load_template("own.yaml").prompt == load_template("./own.yaml").prompt == "in the working directory"


def test_functions_are_text_and_only_files_vouch_for_them(folder, tmp_path):
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'w').close()"
    write(folder, "code", yaml.safe_dump({"prompt": "x", "functions": code}))
    assert load_template("code").functions == code
    assert load_template("code").functions_are_own
    assert not load_template(
        "gh:code", loaders={"gh": lambda name: Template(name=name, functions=code)}
    ).functions_are_own
    assert not marker.exists()


def test_a_loader_is_given_what_follows_its_prefix():
    loaders = {"gh": lambda name: Template(name=name, prompt=f"from {name}")}
    assert load_template("gh:me/mine:x", loaders=loaders).prompt == "from me/mine:x"


def broken(name: str) -> Template:
    raise RuntimeError("no\nnetwork")


def polite(name: str) -> Template:
    raise ModelError("Log in first.")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("brokn:x", "No template loader is called 'brokn'. Did you mean 'broken'? There is broken, gh, polite."),
        ("broken:x", "The template 'broken:x' could not be loaded (RuntimeError: no network)."),
        ("polite:x", "The template 'polite:x' could not be loaded: Log in first."),
        ("gh:x", "The loader of 'gh:x' gave str, not a Template: its plugin has to be mended."),
    ],
)
def test_a_loader_that_fails_is_named(name, said):
    with pytest.raises(TemplateError) as caught:
        load_template(name, loaders={"gh": str, "broken": broken, "polite": polite})
    assert str(caught.value) == said


def test_nothing_warns_when_all_is_well(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_template(Template(name="t", prompt="x"))
        assert [template.name for template in list_templates()] == ["t"]
