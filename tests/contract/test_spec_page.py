"""Every example in the documentation that the Python API follows, unchanged and in the order of its pages.

Only what a test cannot use is replaced: a scripted server stands in for the paid providers and for a gateway, and a registered plugin for
another project's. Each example runs on both faces and over both of OpenAI's wire formats.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.process import process
from llm_notebook.plugins.own import Plugins
from llm_notebook.providers.http import servers
from llm_notebook.providers.registry import Registry
from tests.contract.page import Page
from tests.fakes.anthropic_answers import text_answer
from tests.fakes.openai_server import OpenAIServer, text_reply

NAMES = "Percy, Pouch, Gulliver, Scoop and Skipper"
PANDA = 'The word "panda" converted to uppercase is "PANDA".'
CALLS_UPPER = ("upper", '{"text": "panda"}', "call_panda")

UPPER = '''
    import llm

    def upper(text: str) -> str:
        """Convert text to uppercase."""
        return text.upper()

    model = llm.get_model("gpt-4.1-mini")
'''


WIRES = ("responses", "chat")


@pytest.fixture(autouse=True, params=WIRES)
def wire(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, openai_server: OpenAIServer, tmp_path: Path
) -> str:
    """Set up what a reader of the page has: a key, OpenAI models with this wire format, and a folder to work in."""
    monkeypatch.setitem(process.made, Plugins, Plugins())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-reader")
    monkeypatch.chdir(tmp_path)
    if request.param == "chat":
        # A gateway is sent Chat Completions, and OpenAI itself is sent Responses.
        monkeypatch.setenv("OPENAI_BASE_URL", openai_server.base_url)
    else:
        monkeypatch.setattr(servers, "OPENAI_URL", openai_server.base_url)
        monkeypatch.setattr(servers.OpenAIServer, "home", (openai_server.base_url, "openai", "OPENAI_API_KEY"))
    chosen: str = request.param
    return chosen


@pytest.fixture(params=["sync", "async"])
def page(request: pytest.FixtureRequest, openai_server: OpenAIServer, wire: str) -> Iterator[Page]:
    """Return the page for each of the two faces."""
    with Page(openai_server, is_async=request.param == "async", wire=wire) as reader:
        yield reader


@pytest.fixture
def sync_page(openai_server: OpenAIServer, wire: str) -> Iterator[Page]:
    """Return the page for examples that only the sync face has: `str()` of a response, a lambda as callback, lists of models."""
    with Page(openai_server, wire=wire) as reader:
        yield reader


@pytest.fixture
def async_page(openai_server: OpenAIServer, wire: str) -> Iterator[Page]:
    """Return the page for examples of async models."""
    with Page(openai_server, is_async=True, wire=wire) as reader:
        yield reader


def test_get_model(page: Page) -> None:
    page.run("""
        import llm
        model = llm.get_model("gpt-4o-mini")
    """)
    model = page.names["model"]
    assert isinstance(model, llm.AsyncModel | llm.AsyncKeyModel if page.is_async else llm.Model | llm.KeyModel)
    assert model.model_id == "gpt-4o-mini"
    page.run("model = llm.get_model()")
    assert page.names["model"] is model
    with pytest.raises(llm.UnknownModelError):
        page.run('llm.get_model("no-such-model")')


def test_a_prompt_is_sent_when_the_response_is_consumed(page: Page) -> None:
    page.run("""
        import llm
        model = llm.get_model("gpt-4o-mini")
        response = model.prompt("Five surprising names for a pet pelican")
    """)
    name = "AsyncResponse" if page.is_async else "Response"
    asked = "prompt='Five surprising names for a pet pelican'"
    assert repr(page.names["response"]) == f"<{name} {asked} text='... not yet done ...'>"
    assert page.sent == []
    assert page.run("print(response.text())", page.says(NAMES)) == f"{NAMES}\n"
    assert repr(page.names["response"]) == f"<{name} {asked} text={NAMES!r}>"
    (body,) = page.sent
    assert body["model"] == "gpt-4o-mini"
    assert page.said == [("user", "Five surprising names for a pet pelican")]
    assert page.server.requests[0].headers["authorization"] == "Bearer sk-of-the-reader"


def test_str_returns_the_text(sync_page: Page) -> None:
    example = 'print(llm.get_model().prompt("Five surprising names for a pet pelican"))'
    assert sync_page.run(example, sync_page.says(NAMES)) == f"{NAMES}\n"
    assert sync_page.sent[0]["model"] == "gpt-4o-mini"


def test_attachment_types(page: Page) -> None:
    printed = page.run(
        """
        model = llm.get_model("gpt-4o-mini")
        print(model.attachment_types)
        # {'image/gif', 'image/png', 'image/jpeg', 'image/webp'}
        if "image/jpeg" in model.attachment_types:
            # safe to send a JPEG ...
            picture = llm.Attachment(content=bytes.fromhex("ffd8ffe000104a464946"))
            print(model.prompt("What is it?", attachments=[picture]).text())
    """,
        page.says("A pelican"),
    )
    types, said = printed.splitlines()
    assert ast.literal_eval(types) >= {"image/gif", "image/png", "image/jpeg", "image/webp"}
    assert said == "A pelican"
    assert page.said == [("user", "What is it?")]
    assert "data:image/jpeg;base64," in json.dumps(page.sent[-1])


def test_tools_step_by_step(page: Page) -> None:
    page.run(UPPER)
    page.run(
        """
        response = model.prompt("Convert panda to upper", tools=[upper])
        # Inspect what the model wants to call
        tool_calls = response.tool_calls()
        # [ToolCall(name='upper', arguments={'text': 'panda'}, tool_call_id='...')]
    """,
        page.asks(CALLS_UPPER),
    )
    wanted = "[ToolCall(name='upper', arguments={'text': 'panda'}, tool_call_id='call_panda')]"
    assert repr(page.names["tool_calls"]) == wanted
    assert page.tools["upper"]["description"] == "Convert text to uppercase."
    parameters = page.tools["upper"]["parameters"]
    assert (parameters["properties"], parameters["required"]) == ({"text": {"type": "string"}}, ["text"])
    page.run("""
        # Execute the calls and get results
        tool_results = response.execute_tool_calls()
        # [ToolResult(name='upper', output='PANDA', tool_call_id='...')]
    """)
    results = "[ToolResult(name='upper', output='PANDA', tool_call_id='call_panda')]"
    assert repr(page.names["tool_results"]) == results
    printed = page.run(
        """
        # Get the model's follow-up reply (auto-executes tool calls)
        follow_up = response.reply()
        print(follow_up.text())
        # The word "panda" converted to uppercase is "PANDA".
    """,
        page.says(PANDA),
    )
    assert printed == f"{PANDA}\n"
    assert page.results == {"call_panda": "PANDA"}


def test_every_tool_call_has_an_id_of_its_own(page: Page) -> None:
    page.run(UPPER)
    page.run(
        """
        response = model.prompt("Convert panda to upper", tools=[upper])
        tool_calls = response.tool_calls()
        tool_results = response.execute_tool_calls()
    """,
        page.asks(("upper", '{"text": "panda"}', ""), ("upper", '{"text": "bear"}', "")),
    )
    ids = [call.tool_call_id for call in page.names["tool_calls"]]
    assert len(set(ids)) == 2
    if page.wire == "chat":
        # Responses give every item an id.
        assert all(call_id.startswith("tc_01") for call_id in ids)
    assert [result.tool_call_id for result in page.names["tool_results"]] == ids


def test_a_chain(page: Page) -> None:
    page.run(UPPER)
    printed = page.run(
        """
        chain_response = model.chain(
            "Convert panda to upper",
            tools=[upper],
        )
        print(chain_response.text())
        # The word "panda" converted to uppercase is "PANDA".
    """,
        page.asks(CALLS_UPPER),
        page.says(PANDA),
    )
    assert printed == f"{PANDA}\n"
    assert len(page.sent) == 2


def test_a_chain_token_by_token(page: Page) -> None:
    page.run(UPPER)
    said: list[str] = []
    printed = page.run(
        """
        for chunk in model.chain("Convert panda to upper", tools=[upper]):
            print(chunk, end="", flush=True)
    """,
        page.asks(CALLS_UPPER),
        page.says(PANDA),
        print=lambda chunk, **options: said.append(chunk),
    )
    assert printed == ""
    assert len([chunk for chunk in said if chunk]) == 2
    assert "".join(said) == PANDA


def test_the_responses_of_a_chain(page: Page) -> None:
    page.run(UPPER)
    printed = page.run(
        """
        chain = model.chain("Convert panda to upper", tools=[upper])
        for response in chain.responses():
            print(response.prompt)
            for chunk in response:
                print(chunk, end="", flush=True)
    """,
        page.asks(CALLS_UPPER),
        page.says(PANDA),
    )
    first, second, said = printed.splitlines()
    assert "Convert panda to upper" in first
    assert second.startswith("Prompt(")
    assert said == PANDA
    assert len(page.sent) == 2


def test_hooks_around_each_call(page: Page) -> None:
    printed = page.run(
        """
        import llm
        from typing import Optional

        def upper(text: str) -> str:
            "Convert text to uppercase."
            return text.upper()

        def before_call(tool: Optional[llm.Tool], tool_call: llm.ToolCall):
            print(f"About to call {tool.name} with {tool_call.arguments}")
            if tool.name == "upper" and "bad" in repr(tool_call.arguments):
                raise llm.CancelToolCall("Not allowed on text containing 'bad'")

        def after_call(tool: llm.Tool, tool_call: llm.ToolCall, tool_result: llm.ToolResult):
            print(f"{tool.name} returned {tool_result.output}")

        model = llm.get_model("gpt-4.1-mini")
        response = model.chain(
            "Convert panda to upper and badger to upper",
            tools=[upper],
            before_call=before_call,
            after_call=after_call,
        )
        print(response.text())
    """,
        page.asks(CALLS_UPPER, ("upper", '{"text": "badger"}', "call_badger")),
        page.says("PANDA only"),
    )
    assert printed.splitlines() == [
        "About to call upper with {'text': 'panda'}",
        "upper returned PANDA",
        "About to call upper with {'text': 'badger'}",
        "PANDA only",
    ]
    assert page.results == {"call_panda": "PANDA", "call_badger": "Cancelled: Not allowed on text containing 'bad'"}


DELETE_FILES = """
    import llm

    def delete_files(path: str) -> str:
        if not approval_already_recorded(path):
            record_approval_request(path)
            raise llm.PauseChain("waiting for approval to delete " + path)
        do_delete(path)
        return "deleted"
"""
PAUSED = """
    try:
        chain_response.text()
    except llm.PauseChain as pause:
        print("Paused on", pause.tool_call.name, pause.tool_call.tool_call_id)
        paused = pause
"""


def test_pausing_for_approval(page: Page) -> None:
    approvals: dict[str, bool] = {}
    deleted: list[str] = []
    page.run(UPPER)
    page.run(
        DELETE_FILES,
        approval_already_recorded=lambda path: approvals.get(path, False),
        record_approval_request=lambda path: approvals.setdefault(path, False),
        do_delete=deleted.append,
    )
    page.run('chain_response = model.chain("Convert panda to upper, then delete /tmp/x", tools=[upper, delete_files])')
    calls = page.asks(CALLS_UPPER, ("delete_files", '{"path": "/tmp/x"}', "call_delete"))
    assert page.run(PAUSED, calls) == "Paused on delete_files call_delete\n"
    pause = page.names["paused"]
    assert str(pause) == "waiting for approval to delete /tmp/x"
    assert [(result.name, result.output) for result in pause.tool_results] == [("upper", "PANDA")]
    assert (approvals, deleted, len(page.sent)) == ({"/tmp/x": False}, [], 1)
    approvals["/tmp/x"] = True
    page.run("chain_response = model.chain(messages=paused.messages, tools=[upper, delete_files])")
    assert page.run("print(chain_response.text())", page.says("Deleted.")) == "Deleted.\n"
    assert deleted == ["/tmp/x"]
    assert page.results == {"call_panda": "PANDA", "call_delete": "deleted"}


def test_a_toolbox_shares_state(page: Page) -> None:
    printed = page.run(
        """
        import llm

        class Memory(llm.Toolbox):
            _memory = None

            def _get_memory(self):
                if self._memory is None:
                    self._memory = {}
                return self._memory

            def set(self, key: str, value: str):
                "Set something as a key"
                self._get_memory()[key] = value

            def get(self, key: str):
                "Get something from a key"
                return self._get_memory().get(key) or ""

            def keys(self):
                "Return a list of keys"
                return list(self._get_memory().keys())

        model = llm.get_model("gpt-4.1-mini")
        memory = Memory()
        conversation = model.conversation(tools=[memory])
        print(conversation.chain("Set name to Simon").text())
        print(memory._memory) # {'name': 'Simon'}
    """,
        page.asks(("Memory_set", '{"key": "name", "value": "Simon"}', "call_set")),
        page.says("Done."),
    )
    assert printed == "Done.\n{'name': 'Simon'}\n"
    assert set(page.tools) == {"Memory_get", "Memory_keys", "Memory_set"}
    asked = page.run(
        'print(conversation.chain("What is my name?").text())',
        page.asks(("Memory_keys", "", "call_keys"), ("Memory_get", '{"key": "name"}', "call_get")),
        page.says("Simon."),
    )
    assert asked == "Simon.\n"
    assert page.results == {"call_set": "null", "call_keys": '["name"]', "call_get": "Simon"}


@pytest.mark.parametrize("prepare", ["def prepare", "async def prepare_async"])
def test_a_toolbox_may_get_tools_later_and_prepare_itself(page: Page, prepare: str) -> None:
    page.run(UPPER)
    printed = page.run(
        f"""
        class Files(llm.Toolbox):
            prepared = 0

            def count(self) -> int:
                return self.prepared

            {prepare}(self):
                self.prepared += 1
                self.add_tool(shout)

        def shout(text: str) -> str:
            return text.upper() + "!"

        toolbox = Files()
        toolbox.add_tool(upper)
        chain = model.chain("Go", tools=[toolbox])
        print(toolbox.prepared)
        print(chain.text())
        print(toolbox.prepared)
    """,
        page.asks(("Files_count", "{}", "call_count"), CALLS_UPPER, ("shout", '{"text": "a"}', "call_a")),
        page.says("Done."),
    )
    assert printed == "0\nDone.\n1\n"
    assert page.results == {"call_count": "1", "call_panda": "PANDA", "call_a": "A!"}


def test_fragments(page: Page) -> None:
    Path("dogs1.txt").write_text("Dogs bark.")
    Path("dogs2.txt").write_text("Dogs dig.")
    page.run("""
        model = llm.get_model("gpt-4o-mini")
        response = model.prompt(
            "What do these documents say about dogs?",
            fragments=[
                open("dogs1.txt").read(),
                open("dogs2.txt").read(),
            ],
            system_fragments=[
                "You answer questions like Snoopy",
            ])
    """)
    assert page.run("print(response.text())", page.says("They bark and dig.")) == "They bark and dig.\n"
    assert page.said == [
        ("system", "You answer questions like Snoopy"),
        ("user", "Dogs bark.\nDogs dig.\nWhat do these documents say about dogs?"),
    ]


class _Plugin:
    """A plugin with a model that is on the scripted server."""

    def __init__(self, base_url: str) -> None:
        arguments: dict[str, Any] = {"base_url": base_url, "needs_key": "claude"}
        self._models = [make("claude-of-a-plugin", **arguments) for make in (llm.OpenAIChat, llm.AsyncOpenAIChat)]

    @llm.hookimpl
    def register_models(self, register: Any) -> None:
        register(*self._models)


CLAUDE = """
    import llm
    model = llm.get_model("claude-3.5-sonnet")
    # Set the key if you haven't run 'llm keys set claude'
    model.key = "YOUR_API_KEY_HERE"
    response = model.prompt("Five surprising names for a pet pelican")
    print(response.text())
"""


def test_a_model_of_another_provider_and_a_key_set_on_it(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(process.made, Registry, Registry())
    monkeypatch.setattr(type(llm.get_model("claude-3.5-sonnet")), "home", (page.server.base_url, "anthropic", ""))
    monkeypatch.setattr(type(llm.get_async_model("claude-3.5-sonnet")), "home", (page.server.base_url, "anthropic", ""))
    assert page.run(CLAUDE, text_answer(NAMES)) == f"{NAMES}\n"
    assert page.server.requests[0].headers["x-api-key"] == "YOUR_API_KEY_HERE"


def test_a_model_of_a_plugin_and_a_key_set_on_it(page: Page) -> None:
    process.of(Plugins).manager.register(_Plugin(page.server.base_url), "llm-anthropic")
    assert page.run(CLAUDE.replace("claude-3.5-sonnet", "claude-of-a-plugin"), text_reply(NAMES)) == f"{NAMES}\n"
    assert page.server.requests[0].headers["authorization"] == "Bearer YOUR_API_KEY_HERE"


def test_the_providers_json(page: Page) -> None:
    otters = "Sure! Here are three fun names for an otter:\n\n1. **Splash**\n2. **Bubbles**\n3. **Otto**"
    printed = page.run(
        """
        import llm
        from pprint import pprint
        model = llm.get_model("gpt-4o-mini")
        response = model.prompt("3 names for an otter")
        pprint(response.json())
    """,
        page.says(otters),
    )
    told = ast.literal_eval(printed)
    assert told["content"] == otters
    assert told["finish_reason"] == "stop"
    assert told["created"] in (1739291215, 1755000000)
    assert told["id"] in ("chatcmpl-Az1", "resp_1")
    assert told["model"] == page.names["response"].resolved_model != "gpt-4o-mini"


def test_a_history_built_by_hand(page: Page) -> None:
    printed = page.run(
        """
        import llm
        from llm import user, assistant, system
        model = llm.get_model("gpt-4o-mini")
        response = model.prompt(messages=[
            system("You are a helpful pirate."),
            user("What is the capital of France?"),
            assistant("Paris, matey."),
            user("And Germany?"),
        ])
        print(response.text())
    """,
        page.says("Berlin, arr."),
    )
    assert printed == "Berlin, arr.\n"
    assert page.said == [
        ("system", "You are a helpful pirate."),
        ("user", "What is the capital of France?"),
        ("assistant", "Paris, matey."),
        ("user", "And Germany?"),
    ]


def test_events_of_every_kind_as_they_arrive(page: Page) -> None:
    page.run(UPPER)
    page.run(
        """
        events = []
        response = model.prompt("Convert panda to upper", tools=[upper])
        for event in response.stream_events():
            events.append(event)
    """,
        page.asks(CALLS_UPPER, text="Gladly."),
    )
    events = page.names["events"]
    assert all(isinstance(event, llm.StreamEvent) for event in events)
    arrived: dict[str, str] = {}
    for event in events:
        arrived[event.type] = arrived.get(event.type, "") + event.chunk
    assert list(arrived.items()) == [
        ("text", "Gladly."),
        ("tool_call_name", "upper"),
        ("tool_call_args", '{"text": "panda"}'),
    ]


def test_a_response_as_json_and_a_reply_to_what_was_saved(page: Page) -> None:
    printed = page.run(
        """
        import json, llm
        model = llm.get_model("gpt-4o-mini")
        response = model.prompt("What's 2+2?")
        print(response.text())
        payload = json.dumps(response.to_dict())
        # Save payload wherever you like, then later:
        rebuilt = llm.Response.from_dict(json.loads(payload))
        followup = rebuilt.reply("Add 3 to that")
        print(followup.text())
    """,
        page.says("4"),
        page.says("7"),
    )
    assert printed == "4\n7\n"
    assert page.said == [
        ("user", "What's 2+2?"),
        ("assistant", "4"),
        ("user", "Add 3 to that"),
    ]


def test_on_done(sync_page: Page) -> None:
    printed = sync_page.run(
        """
        import llm
        model = llm.get_model("gpt-4o-mini")
        response = model.prompt("a poem about a hippo")
        response.on_done(lambda r: print(r.usage()))
        print(response.text())
    """,
        sync_page.says("O hippo"),
    )
    assert printed.startswith("Usage(input=9, output=")
    assert printed.endswith("\nO hippo\n")


def test_on_done_is_awaited_on_the_async_face(async_page: Page) -> None:
    async_page.run(
        """
        model = llm.get_model("gpt-4o-mini")
        response = model.prompt("a poem about a hippo")
        done = []
        async def callback(response):
            done.append(response.usage())
        response.on_done(callback)
        print(response.text())
    """,
        async_page.says("O hippo"),
    )
    assert [usage.input for usage in async_page.names["done"]] == [9]


def test_the_lists_of_models(sync_page: Page) -> None:
    process.of(Plugins).manager.register(_Plugin(sync_page.server.base_url), "llm-anthropic")
    printed = sync_page.run("""
        import llm
        # All synchronous models
        for model in llm.get_models():
            print(model.model_id)
        # All async models
        for model in llm.get_async_models():
            print(model.model_id)
    """)
    assert {"gpt-4o-mini", "gpt-4.1-mini", "claude-of-a-plugin"} <= set(printed.split())
    assert printed.split().count("gpt-4o-mini") == 2
    entries = {entry.model.model_id: entry for entry in llm.get_models_with_aliases() if entry.model}
    assert isinstance(entries["gpt-4o-mini"], llm.ModelWithAliases)
    assert "4o-mini" in entries["gpt-4o-mini"].aliases


def test_aliases(page: Page) -> None:
    with pytest.raises(KeyError):
        page.run("""
            import llm
            # Create an alias
            llm.set_alias("mini", "gpt-4o-mini")
            # Remove an alias (raises KeyError if it doesn't exist)
            llm.remove_alias("turbo")
        """)
    page.run('model = llm.get_model("mini")')
    assert page.names["model"].model_id == "gpt-4o-mini"
    page.run('llm.remove_alias("mini")')
    with pytest.raises(llm.UnknownModelError):
        page.run('llm.get_model("mini")')


DETECT = """
    # Get the current default (returns "gpt-4o-mini" if unset)
    model_id = llm.get_default_model()
    # Detect whether a default has actually been configured
    if llm.get_default_model(default=None) is None:
        print("No default has been set")
"""
SET_DEFAULT = """
    import llm
    # Set the default model globally (persisted to disk)
    llm.set_default_model("claude-3.5-sonnet")
"""


def test_the_default_model(page: Page) -> None:
    assert page.run(DETECT) == "No default has been set\n"
    assert page.names["model_id"] == "gpt-4o-mini"
    # The `llm` command does not have this model, and a default that it does not know would break it.
    with pytest.warns(ConfigurationWarning, match="its own default is kept"):
        page.run(SET_DEFAULT)
    assert page.run(DETECT) == ""
    page.run('model, named = llm.get_model(), llm.get_model("claude-3.5-sonnet")')
    assert page.names["model"] is page.names["named"]
    assert page.names["model"].model_id == page.names["model_id"]


@pytest.mark.parametrize("model_id", ["gpt-4.1-mini", "unknown-here"])
def test_the_default_is_that_of_every_program_that_uses_the_folder(page: Page, model_id: str) -> None:
    page.run(SET_DEFAULT.replace("claude-3.5-sonnet", model_id))
    assert page.run(DETECT) == ""
    assert page.names["model_id"] == model_id
    assert (llm.user_dir() / "default_model.txt").read_text().strip() == model_id


# The page about utilities for plugin authors.


def test_get_key(sync_page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = """
        import llm

        github_key = llm.get_key(alias="github")
    """
    environment = 'github_key = llm.get_key(alias="github", env="GITHUB_TOKEN")'
    typed = 'github_key = llm.get_key(input=input_from_user, alias="github", env="GITHUB_TOKEN")'

    def found(example: str, **given: Any) -> Any:
        sync_page.run(example, **given)
        return sync_page.names["github_key"]

    assert [found(registry), found(environment), found(typed, input_from_user=None)] == [None, None, None]
    monkeypatch.setenv("GITHUB_TOKEN", "from-environment")
    assert [found(environment), found(typed)] == ["from-environment"] * 2
    (llm.user_dir() / "keys.json").write_text(json.dumps({"github": "stored", "work": "stored-for-work"}))
    assert [found(registry), found(environment), found(typed)] == ["stored"] * 3
    assert found(typed, input_from_user="work") == "stored-for-work"
    assert found(typed, input_from_user="ghp_verbatim") == "ghp_verbatim"
    assert isinstance(found(registry), str)
    assert llm.get_key("ghp_verbatim", "github", "GITHUB_TOKEN") == "ghp_verbatim"
    assert llm.get_key(None, "github", "GITHUB_TOKEN") == "stored"


def test_user_dir(sync_page: Page) -> None:
    sync_page.run("""
        import llm

        user_dir = llm.user_dir()
        plugin_dir = user_dir / "my-plugin"
        plugin_dir.mkdir(exist_ok=True)
        data_path = plugin_dir / "plugin-data.db"
    """)
    assert sync_page.names["user_dir"] == Path(os.environ["LLM_USER_PATH"])
    assert sync_page.names["plugin_dir"].is_dir()


def test_a_model_error_of_a_plugin(sync_page: Page) -> None:
    sync_page.run("""
        import llm

        def execute(self, prompt, stream, response, conversation):
            if not self._model_downloaded():
                raise llm.ModelError(
                    "MPT model not installed - try running 'llm mpt30b download'"
                )
            yield "Hello"

        class Mpt30b(llm.Model):
            model_id = "mpt30b"
            downloaded = False
            def _model_downloaded(self):
                return self.downloaded

        Mpt30b.execute = execute
        model = Mpt30b()
    """)
    with pytest.raises(llm.ModelError, match=r"^MPT model not installed - try running 'llm mpt30b download'$"):
        sync_page.run('print(model.prompt("Hi").text())')
    sync_page.run("model.downloaded = True")
    assert sync_page.run('print(model.prompt("Hi").text())') == "Hello\n"


def test_async_response_fake(async_page: Page) -> None:
    async_page.run(
        """
        import llm

        async def test_async_conversation():
            model = llm.get_async_model("my-async-model")
            fake_response = llm.AsyncResponse.fake(
                model,
                "What is 2+2?",
                system="You are a maths tutor.",
                response="The answer is 4.",
            )
            assert await fake_response.text() == "The answer is 4."
            return fake_response
        """
    )
    llm.set_alias("my-async-model", "gpt-4o-mini")
    fake = async_page.do(async_page.names["test_async_conversation"]())
    assert fake._done is True
    assert fake._chunks == ["The answer is 4."]
    assert fake.prompt.messages == [llm.system("You are a maths tutor."), llm.user("What is 2+2?")]
    picture = llm.Attachment(type="image/png", content=b"PNG")
    shown = llm.AsyncResponse.fake(fake.model, "What is it?", picture, picture, system="S", response="A pelican")
    assert shown.prompt.attachments == [picture, picture]
    assert async_page.sent == []
    async_page.run("print(response.reply('Sure?').text())", async_page.says("Yes."), response=fake)
    assert async_page.said == [
        ("system", "You are a maths tutor."),
        ("user", "What is 2+2?"),
        ("assistant", "The answer is 4."),
        ("user", "Sure?"),
    ]
