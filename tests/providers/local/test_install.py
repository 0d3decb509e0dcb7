"""The download of GGUF files: resumed, checked, refused in one sentence, and never left incomplete under the model's name."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import llm_notebook
from llm_notebook.configuration.keys import set_key
from llm_notebook.errors import ModelError
from llm_notebook.providers.local.install import Installation, partial_downloads, remove_model
from llm_notebook.providers.local.installed import download_folder, installed_models
from tests.fakes.file_server import FileServer, Served, digest
from tests.fakes.gguf_files import TINY, gguf_bytes

pytestmark = pytest.mark.usefixtures("own_transport", "short_waits")

CONTENT = gguf_bytes(padding=300_000)
PATH = "/models/Tiny-Q4_K_M.gguf"
NAME = "Tiny-Q4_K_M"


@pytest.fixture
def hub(file_server: FileServer) -> FileServer:
    """Return a server that has the tiny model."""
    file_server.files[PATH] = Served(CONTENT)
    return file_server


def _install(source: str, *, lines: list[str] | None = None, taken: Any = (), **options: Any) -> Path:
    told = lines if lines is not None else []
    return Installation.of(source, **options).run(taken, told.append).file.path()


def _refusal(source: str, **options: Any) -> str:
    with pytest.raises(ModelError) as caught:
        _install(source, **options)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def _left() -> set[str]:
    return {entry.name for entry in download_folder().iterdir() if not entry.name.endswith(".lock")}


def test_a_file_is_fetched_named_after_itself_and_remembered(hub):
    lines: list[str] = []
    path = _install(hub.url(PATH), lines=lines, sha256=digest(CONTENT).upper())
    assert path.read_bytes() == CONTENT
    assert _left() == {f"{NAME}.gguf"}
    (model,) = installed_models()
    assert (model.name, model.source, model.context_tokens) == (NAME, hub.url(PATH), 2048)
    assert model.is_ours
    assert lines[0].startswith(f"Downloading {NAME} (0 MB): ")
    assert lines[-1] == f"Checking {NAME} (0 MB): 100 %"


def test_the_same_command_again_fetches_nothing(hub):
    path = _install(hub.url(PATH))
    assert _install(hub.url(PATH), sha256=digest(CONTENT)) == path
    assert len(hub.requests) == 1
    path.write_bytes(CONTENT[:-1])
    assert _install(hub.url(PATH), sha256=digest(CONTENT)).read_bytes() == CONTENT


def test_a_connection_that_breaks_off_is_made_again_and_goes_on(hub):
    hub.files[PATH].cuts = [100_000, 50_000]
    lines: list[str] = []
    assert _install(hub.url(PATH), lines=lines).read_bytes() == CONTENT
    assert hub.ranges_asked() == [None, "bytes=100000-", "bytes=150000-"]
    assert [line for line in lines if line.startswith("The connection broke off: going on in")]


def test_the_part_that_arrived_is_kept_for_the_next_command(hub):
    hub.files[PATH].cuts = [100_000, *[0] * 4]
    said = _refusal(hub.url(PATH))
    assert "broke off" in said
    assert said.endswith("0 MB of 0 MB arrived and are kept: the same command goes on from there.")
    assert list(partial_downloads()) == [NAME]
    assert installed_models() == []
    hub.requests.clear()
    assert _install(hub.url(f"{PATH}?signature=another")).read_bytes() == CONTENT
    assert hub.ranges_asked() == ["bytes=100000-"]
    assert partial_downloads() == {}


def test_a_file_that_has_changed_meanwhile_is_fetched_from_its_beginning(hub):
    changed = gguf_bytes(TINY | {"general.name": "new"}, padding=300_000)
    hub.files[PATH].cuts = [100_000, *[0] * 4]
    _refusal(hub.url(PATH))
    hub.files[PATH] = Served(changed, etag='"v2"')
    assert _install(hub.url(PATH)).read_bytes() == changed


@pytest.mark.parametrize("changes", [{"ranges": False}, {"etag": None}, {"etag": 'W/"v1"'}], ids=str)
def test_a_server_that_cannot_resume_sends_it_all_again(hub, changes):
    hub.files[PATH] = Served(CONTENT, **changes)
    hub.files[PATH].cuts = [100_000]
    assert _install(hub.url(PATH)).read_bytes() == CONTENT
    assert len(hub.requests) == 2


def test_a_part_that_is_longer_than_the_file_is_given_up(hub):
    hub.files[PATH].cuts = [100_000, *[0] * 4]
    _refusal(hub.url(PATH))
    hub.files[PATH] = Served(gguf_bytes(padding=10))
    assert _install(hub.url(PATH)).read_bytes() == gguf_bytes(padding=10)


def test_a_part_of_a_file_from_elsewhere_is_not_gone_on_with(hub):
    hub.files[PATH].cuts = [100_000, *[0] * 4]
    _refusal(hub.url(PATH))
    hub.files["/other/Tiny-Q4_K_M.gguf"] = Served(CONTENT)
    hub.requests.clear()
    _install(hub.url("/other/Tiny-Q4_K_M.gguf"))
    assert hub.ranges_asked() == [None]


def test_another_digest_than_expected_is_refused_and_nothing_kept(hub):
    said = _refusal(hub.url(PATH), sha256="0" * 64)
    assert f"(SHA-256 {digest(CONTENT)} instead of {'0' * 64}): nothing was kept" in said
    assert _left() == set()
    assert installed_models() == []


def test_the_digest_that_the_hub_tells_is_checked(hub):
    hub.files["/hub.gguf"] = Served(moved_to=hub.url(PATH), headers={"x-linked-etag": f'"{digest(b"other")}"'})
    assert "nothing was kept. Check the address, then try again." in _refusal(hub.url("/hub.gguf"))
    assert _left() == set()
    hub.files["/hub.gguf"].headers["x-linked-etag"] = f'"{digest(CONTENT)}"'
    lines: list[str] = []
    _install(hub.url("/hub.gguf"), lines=lines)
    assert "Checking hub" in lines[-1]


def test_a_digest_that_the_server_contradicts_saves_the_download(hub):
    hub.files[PATH].etag = f'"{digest(CONTENT)}"'
    assert "the server says that its file has SHA-256" in _refusal(hub.url(PATH), sha256="0" * 64)
    assert _left() == set()


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (Served(b"<!doctype html>", headers={"content-type": "text/html"}), "is a web page, not a GGUF file"),
        (Served(b"PK\x03\x04" + bytes(100)), "is something else, not a GGUF file"),
        (Served(b""), "is something else, not a GGUF file"),
        (Served(CONTENT[:200]), "the file is damaged or was cut short"),
        (Served(gguf_bytes(TINY | {"general.type": "mmproj"})), "no language model but 'mmproj'"),
        (Served(b"no", status=404), "HTTP 404: no. Check the address."),
        (Served(b"", status=401), "store a token of yours: `%llm keys set huggingface`"),
        (Served(b"", status=403), "where the page of the model asks for consent"),
    ],
    ids=str,
)
def test_a_file_without_a_model_is_refused_in_one_sentence(hub, served, said):
    hub.files[PATH] = served
    assert said in _refusal(hub.url(PATH))
    assert _left() == set()


def test_a_web_page_in_between_leaves_the_part_that_arrived(hub):
    hub.files[PATH].cuts = [100_000, *[0] * 4]
    _refusal(hub.url(PATH))
    hub.files[PATH] = Served(b"<html>", etag=None, headers={"content-type": "text/html"})
    assert "is a web page" in _refusal(hub.url(PATH))
    hub.files[PATH] = Served(CONTENT)
    hub.requests.clear()
    _install(hub.url(PATH))
    assert hub.ranges_asked() == ["bytes=100000-"]


def test_a_server_that_is_busy_is_asked_again(hub):
    hub.files[PATH] = Served(b"", status=503)
    lines: list[str] = []
    assert "HTTP 503" in _refusal(hub.url(PATH), lines=lines)
    assert len(hub.requests) == 5
    assert lines == ["The server answered 503: going on in 0 s"] * 4


def test_an_unreachable_server_is_reported_in_one_sentence():
    said = _refusal("http://127.0.0.1:9/tiny.gguf")
    assert said.startswith("tiny: could not reach http://127.0.0.1:9/tiny.gguf (")


def test_redirects_are_followed_and_the_token_stays_with_the_hub(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.url())
    set_key("huggingface", "hf_secret")
    resolved = "/someone/tiny/resolve/main/sub/Tiny-Q4_K_M.gguf"
    hub.files[resolved] = Served(moved_to="/near.gguf")
    hub.files["/near.gguf"] = Served(moved_to=hub.url(PATH, host="localhost"))
    for source in ("hf:someone/tiny/sub/Tiny-Q4_K_M.gguf", hub.url("/someone/tiny/blob/main/sub/Tiny-Q4_K_M.gguf")):
        hub.requests.clear()
        assert _install(source).read_bytes() == CONTENT
        remove_model(NAME)
        assert [(path, headers.get("authorization")) for path, headers in hub.requests] == [
            (resolved, "Bearer hf_secret"),
            ("/near.gguf", "Bearer hf_secret"),
            (PATH, None),
        ]


def test_the_token_goes_to_no_other_server(hub):
    set_key("huggingface", "hf_secret")
    _install(hub.url(PATH))
    assert "authorization" not in hub.requests[0][1]


def test_a_token_is_in_no_message(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.url())
    set_key("huggingface", "hf_secret")
    hub.files["/a/b/resolve/main/c.gguf"] = Served(b"you sent Bearer hf_secret", status=403)
    assert "hf_secret" not in _refusal("hf:a/b/c.gguf")


def test_a_password_in_an_address_is_used_and_forgotten(hub):
    _install(hub.url(PATH).replace("//", "//me:very-secret@"))
    assert hub.requests[0][1]["authorization"].startswith("Basic ")
    stored = [path.read_text() for path in llm_notebook.user_dir().rglob("*.json")]
    assert NAME in "".join(stored)
    assert "very-secret" not in "".join(stored)


def test_an_endless_redirect_is_given_up(hub):
    hub.files[PATH] = Served(moved_to=PATH)
    assert "sent us from one address to the next" in _refusal(hub.url(PATH))


def test_a_file_larger_than_the_disk_is_not_begun(hub):
    hub.files[PATH] = Served(CONTENT, said=10**16)
    said = _refusal(hub.url(PATH))
    assert f"{NAME} has 10000000.0 GB, and under {download_folder()} there is room for " in said
    assert _left() == set()


def test_a_disk_that_fills_up_keeps_what_arrived(hub):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
    try:
        said = _refusal(hub.url(PATH))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot be stored under" in said
    assert "set LLM_NOTEBOOK_DATA to another folder" in said
    assert said.endswith("arrived and are kept: the same command goes on from there.")
    hub.requests.clear()
    assert _install(hub.url(PATH)).read_bytes() == CONTENT
    assert hub.ranges_asked()[0] is not None


STOPPED = """
import sys
from llm_notebook.providers.local.install import Installation
Installation.of(sys.argv[1]).run((), lambda line: print(line, flush=True))
"""


def test_an_interrupted_or_killed_download_is_gone_on_with(hub):
    never = threading.Event()
    for stopping in (signal.SIGINT, signal.SIGKILL):
        hub.files[PATH].waits_at = (200_000, never)
        process = subprocess.Popen(
            [sys.executable, "-c", STOPPED, hub.url(PATH)],
            env=os.environ | {"PYTHONPATH": str(Path(llm_notebook.__file__).parents[1])},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Downloading")
        process.send_signal(stopping)
        process.communicate(timeout=60)
    never.set()
    hub.files[PATH].waits_at = None
    assert list(partial_downloads()) == [NAME]
    hub.requests.clear()
    assert _install(hub.url(PATH)).read_bytes() == CONTENT
    assert hub.ranges_asked() != [None]


def test_two_installations_at_once_fetch_once(hub):
    threads = [threading.Thread(target=_install, args=(hub.url(PATH),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hub.requests) == 1
    assert len(installed_models()) == 1


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("nonsense", {}, "is neither an address nor a GGUF file: give https://"),
        ("hf:only-one/file.gguf", {}, "write hf:OWNER/REPO/FILE.gguf"),
        ("/nowhere/tiny.gguf", {}, "There is no file /nowhere/tiny.gguf: check the path."),
        ("http://h/big-00002-of-00003.gguf", {}, "is one file of a model that has several"),
        ("http://h/tiny.gguf", {"name": "a/b"}, "'a/b' cannot be the name of a model"),
        ("http://h/tiny.gguf", {"sha256": "123"}, "'123' is no SHA-256: that has 64 hexadecimal digits."),
        ("/nowhere/tiny.gguf", {"sha256": "0" * 64}, "--sha256 is for files that are fetched"),
        (
            "http://h/tiny.gguf",
            {"name": "gpt-4o", "taken": ("gpt-4o",)},
            "'gpt-4o' is another model's name: choose one",
        ),
        ("http://[/tiny.gguf", {}, "cannot be used"),
        ("http:///tiny.gguf", {}, "tiny: "),
    ],
)
def test_what_cannot_be_installed_is_refused_in_one_sentence(source, options, said):
    assert said in _refusal(source, **options)


def test_a_name_stands_for_one_file(hub, tmp_path):
    _install(hub.url(PATH), name="mine")
    hub.files["/other.gguf"] = Served(CONTENT)
    said = _refusal(hub.url("/other.gguf"), name="mine")
    assert f"'mine' is installed already, from {hub.url(PATH)}: choose another name with --as NAME, or remove" in said
    local = tmp_path / "local.gguf"
    local.write_bytes(CONTENT)
    assert "'mine' is installed already" in _refusal(str(local), name="mine")


def test_a_users_file_is_registered_where_it_is(tmp_path, monkeypatch):
    folder = tmp_path / "my models"
    folder.mkdir()
    path = folder / "Big (final).gguf"
    path.write_bytes(CONTENT)
    monkeypatch.chdir(folder)
    assert _install("Big (final).gguf") == path
    assert _install(str(path)) == path
    assert [model.name for model in installed_models()] == ["Big-final"]
    remove_model("Big-final")
    assert installed_models() == []
    assert path.exists()


def test_removing_deletes_what_was_fetched_and_what_arrived_in_part(hub):
    _install(hub.url(PATH))
    remove_model(NAME)
    assert (_left(), installed_models()) == (set(), [])
    hub.files[PATH].cuts = [100_000, *[0] * 4]
    _refusal(hub.url(PATH))
    remove_model(NAME)
    assert (_left(), partial_downloads()) == (set(), {})
    with pytest.raises(ModelError, match=f"No model '{NAME}' is installed"):
        remove_model(NAME)


def test_a_list_that_makes_no_sense_costs_a_warning_only(hub):
    _install(hub.url(PATH))
    path = llm_notebook.user_dir() / "llm_notebook" / "local_models.json"
    path.write_text('{"a": {"path": 1}, "b": 2, "c": {"path": "/c.gguf", "context_tokens": 5, "source": ""}}')
    with pytest.warns(UserWarning, match="left out"):
        assert [model.name for model in installed_models()] == ["c"]


def test_a_folder_that_cannot_be_created_is_reported_in_one_sentence(hub, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LLM_NOTEBOOK_DATA", str(tmp_path / "file"))
    assert "LLM_NOTEBOOK_DATA" in _refusal(hub.url(PATH))
