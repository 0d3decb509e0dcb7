"""`%%llm --each`: what a cell shows and assigns, what it refuses in one sentence, and what `%llm jobs` lists."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.process import process
from llm_notebook.models.model import ModelWithAliases
from llm_notebook.providers.registry import Registry
from llm_notebook.transcript.document import MIME_TYPE
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet
from tests.notebook.kernels import Cell, Kernel
from tests.notebook.scripted import sent
from tests.rows.conftest import Rows, answer_of

_FRAME = (
    'import pandas as pd\ndf = pd.DataFrame({"text": [f"w{n}" for n in range(8)]}, index=[f"r{n}" for n in range(8)])'
)


@pytest.fixture
def shell(terminal: InteractiveShell) -> InteractiveShell:
    """A terminal with a frame of eight rows."""
    terminal.run_cell(_FRAME)
    return terminal


@pytest.fixture
def served(shell: InteractiveShell, openai_server: OpenAIServer) -> Rows:
    """A server that answers rows; `priced` is a model there whose price is known."""
    rows = Rows(openai_server, "async")
    process.of(Registry)._builtin.append(ModelWithAliases(None, rows.priced_model, ["priced"]))
    return rows


def _run(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, cell: str = "Say {{ text }}") -> str:
    capsys.readouterr()
    shell.run_cell(f"%%llm {line}\n{cell}")
    return capsys.readouterr().out


def test_a_cell_asks_each_row_and_assigns_a_frame_with_the_same_index(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _run(shell, capsys, "--each df --out labelled")
    assert said.startswith("8 rows  100 %\n████")
    assert (
        "labelled is a DataFrame of 8 rows \u00d7 5 columns, in the order and with the index of df. The first 5:"
        in said
    )
    assert "r4  w4    You said: Say w4" in said
    labelled = shell.user_ns["labelled"]
    assert list(labelled.index) == [f"r{n}" for n in range(8)]
    assert list(labelled["answer"]) == [f"You said: Say w{n}" for n in range(8)]
    sent.clear()
    again = _run(shell, capsys, "--each df")
    assert again.startswith("All 8 rows were answered on ")
    assert "Nothing was sent; --no-resume asks again." in again
    assert "--out NAME keeps it" in again
    assert sent == []
    _run(shell, capsys, "--each df --no-resume")
    assert len(sent) == 8


def test_secrets_in_the_rows_are_removed_and_counted(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "correct horse")
    rows = [
        "I said correct horse.",
        "db: password=zzz",
        "AKIAIOSFODNN7EXAMPLE twice",
        "AKIAIOSFODNN7EXAMPLE again",
        "None.",
    ]
    shell.user_ns["letters"] = [{"text": text, "api_key": f"key-{number}-abcdefgh"} for number, text in enumerate(rows)]
    said = _run(shell, capsys, "--each letters", "About {{ text }} {{ api_key[:40] }} {{ api_key }}")
    prompts = [str(prompt.prompt) for prompt in sent]
    for secret in ("correct horse", "zzz", "AKIA", "key-3"):
        assert not any(secret in prompt for prompt in prompts), secret
    assert prompts[-1] == "About None. [removed] [removed]"
    assert "[removed] 8 secrets" in said
    assert "  text: a token that begins with AKI" in said


def test_a_drawn_run_says_which_secrets_were_removed(kernel: Kernel) -> None:
    kernel.run("letters = ['db: password=zzz', 'Hello']")
    cell = kernel.run("%%llm --each letters -n\nAbout {{ text }}")
    assert kernel.value("sorted(str(one.prompt) for one in sent)") == ["About Hello", "About db: password=[removed]"]
    [group] = cell.outputs[-1][MIME_TYPE]["sent"]
    assert group["line"] == "[removed] 1 secret"


def test_a_sample_is_shown_first_and_the_rest_asks_none_of_it_again(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _run(shell, capsys, "--each df --sample 2 --out some")
    assert said.startswith("2 rows, a sample of 8  100 %")
    assert "Without --sample 2, the other 6 rows are asked, and none of these again." in said
    assert list(shell.user_ns["some"].index) == ["r0", "r4"]
    said = _run(shell, capsys, "--each df")
    assert "2 answered before" in said
    assert len(sent) == 8


def test_a_run_that_would_cost_too_much_is_refused_and_one_at_its_limit_goes_on(
    shell: InteractiveShell, served: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "-m priced --each df --schema 'label, score int' --out labelled"
    refused = _run(shell, capsys, f"{line} --limit-cost 0.0001")
    assert refused.startswith(
        "Not started: it would cost about $0.0006, and --limit-cost is $0.0001. 8 rows are about "
    )
    assert "Nothing was sent; `--sample 20` asks 20 rows first" in refused
    shell.run_cell("%config LLMMagics.limit_cost = 0.0002")
    assert "LLMMagics.limit_cost is $0.0002" in _run(shell, capsys, line)
    assert served.take_asked() == []
    usage = {"prompt_tokens": 10, "completion_tokens": 5000, "total_tokens": 5010}

    def dear(text: str) -> Reply:
        body = json.loads(answer_of('{"label": "x", "score": 1}').pieces[0])  # type: ignore[arg-type]
        return Reply.of_json(body | {"usage": usage})

    served.replies = dear
    stopped = _run(shell, capsys, f"{line} --limit-cost 0.05 --concurrency 1")
    assert stopped.startswith("■ Stopped at the limit of $0.05. 4 of 8 rows are kept.  50 %")
    assert "Run the cell again: it asks only the 4 rows that are left. That costs about $0.04 more" in stopped
    assert int(shell.user_ns["labelled"]["label"].notna().sum()) == 4
    assert _run(shell, capsys, f"{line} --limit-cost 0.05 --concurrency 1").startswith("8 rows  100 %")
    assert len(served.take_asked()) == 8


def test_rows_that_failed_are_listed_by_reason_and_asked_again(
    shell: InteractiveShell, served: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    served.replies = lambda text: answer_of("no JSON") if text[-1] in "36" else None
    line = "-m priced --each df --schema 'label, score int' --out labelled"
    said = _run(shell, capsys, line)
    assert said.startswith("8 rows, 2 of them without an answer  100 %")
    assert "2 rows failed\n  answer did not fit, 2: r3, r6\n" in said
    assert "Asked again by --retry failed." in said
    served.take_asked()
    served.replies = lambda _: None
    assert _run(shell, capsys, f"{line} --retry failed").startswith("8 rows  100 %")
    assert served.take_asked() == ["Say w3", "Say w6"]


def test_a_stop_keeps_what_is_done_and_assigns_it(
    shell: InteractiveShell, served: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    shut, go_on, seen = threading.Event(), threading.Event(), []

    def reply(text: str) -> Reply:
        seen.append(text)
        answer = answer_of(json.dumps({"label": "x", "score": 1}))
        if len(seen) <= 5:
            return answer
        shut.set()
        return Reply([UntilSet(go_on), *answer.pieces], content_type=answer.content_type)

    served.replies = reply
    stopper = threading.Thread(target=lambda: (shut.wait(30), os.kill(os.getpid(), signal.SIGINT)))
    stopper.start()
    line = "-m priced --each df --schema 'label, score int' --out labelled --concurrency 1"
    said = _run(shell, capsys, line)
    stopper.join()
    go_on.set()
    assert said.startswith("■ Stopped by you at 5 of 8 rows. All of them are kept.  62 %")
    assert "Run the cell again: it asks only the 3 rows that are left." in said
    assert int(shell.user_ns["labelled"]["label"].notna().sum()) == 5
    assert "It was not asked" in shell.user_ns["labelled"].loc["r7", "error"]
    assert _run(shell, capsys, line).startswith("8 rows  100 %")
    assert len(seen) == 9


def test_nothing_is_kept_with_n_and_the_bar_says_so(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "not kept: nothing can be gone back to" in _run(shell, capsys, "--each df -n")
    _run(shell, capsys, "--each df -n")
    assert len(sent) == 16


def test_tools_run_for_each_row_and_one_that_asks_is_refused_before(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell(
        "import llm_notebook as llm\n"
        'def erase(path: str) -> str:\n    "Erase."\n    return f"erased {path}"\n'
        'asking = llm.require_approval(erase)\nfiles = ["/a", "/b"]'
    )
    said = _run(shell, capsys, "-m asker --each files -T erase --out done")
    assert said.startswith("2 rows  100 %")
    assert [row["answer"] for row in shell.user_ns["done"]] == ["All done: erased /a.", "All done: erased /b."]
    sent.clear()
    assert "Nothing was sent" in _run(shell, capsys, "-m asker --each files -T erase")
    assert sent == []
    refused = _run(shell, capsys, "-m asker --each files -T asking", "Do {{ text }}")
    assert refused.startswith("erase asks a human before it runs, for whom rows cannot wait")
    assert sent == []


def test_a_column_of_pictures_is_attached(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell(
        'import base64\npng = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==")'
    )
    shell.run_cell('pics = [{"name": "one", "picture": png}, {"name": "none", "picture": None}]')
    _run(shell, capsys, "-m viewer --each pics -a picture --out seen", "See {{ name }}")
    assert [row["answer"] for row in shell.user_ns["seen"]] == ["I see image/png.", "I see nothing."]


def test_runs_are_listed_and_the_turn_of_a_row_is_found(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No run over rows is in the journal." in _line(shell, capsys, "jobs")
    _run(shell, capsys, "--each df --out labelled")
    said = _line(shell, capsys, "jobs")
    assert "Say {{ text }}" in said
    assert "done" in said
    name = said.splitlines()[1].split()[0]
    assert name in _line(shell, capsys, f"jobs {name}")
    assert "No run is called zzzz9." in _line(shell, capsys, "jobs zzzz9")
    assert "Nothing but runs over rows is in the journal" in _line(shell, capsys, "history")
    assert "Say w3" in _line(shell, capsys, f"history {shell.user_ns['labelled'].loc['r3', 'turn']}")


def _line(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str) -> str:
    capsys.readouterr()
    shell.run_cell(f"%llm {line}")
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--each dff", "--each dff: nothing of that name is defined here. Did you mean df?"),
        ("--each 5", "--each 5: nothing of that name is defined here."),
        ("--each df.iloc[0:0]", "There are no rows"),
        ("--each iter(df.text)", "--each needs a frame or a list"),
        ("--each df['nope']", "--each df['nope']: KeyError"),
        ("--each df -a pictures", "There is no column 'pictures'"),
        ("--each df -a a -a b", "-a names one column"),
        ("--each df --limit-cost much", "--limit-cost needs a number of US dollars"),
        ("--each df --limit-cost 2", "--limit-cost cannot be held: The price of echo is not known."),
        ("--each df --concurrency none", "--concurrency needs a number of rows"),
        ("--each df --sample 0", "--sample needs a number of rows"),
        ("--each df --retry all", "--retry takes failed, not 'all'."),
        ("--each df --resume", "Did you mean --no-resume?"),
        ("--each df -c", "-c cannot go with --each."),
        ("--each df --schema-multi a", "--schema-multi cannot go with --each."),
        ("--each df --out x:list", "--out x:list cannot go with --each"),
        ("--each df -m nothing", "No model is called 'nothing'."),
        ("--each df -m echo-needs-key", "No key for echo-needs-key"),
        ("--each df --schema 'label, score'", "echo does not support schemas"),
        ("--sample 3", "--sample needs --each"),
        ("--retry failed", "--retry needs --each"),
        ("--rows df", "Did you mean --each?"),
        ("--budget 2", "Did you mean --limit-cost?"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_sent(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    said = _run(shell, capsys, line)
    assert says in said
    assert "Nothing was sent" in said
    assert "Traceback" not in said
    assert sent == []


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("Say it", "The prompt names no column"),
        ("Say {{ txt }}", "There is no column 'txt'"),
        ("Say {{ 1 + }}", "is not a Python expression"),
        ("", "There is no prompt"),
    ],
)
def test_a_prompt_that_cannot_be_asked_of_rows_is_refused(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], cell: str, says: str
) -> None:
    assert says in _run(shell, capsys, "--each df", cell)
    assert sent == []


def test_a_notebook_keeps_the_bar_and_the_head(kernel: Kernel) -> None:
    assert kernel.run(_FRAME).status == "ok"
    ran = kernel.run("%%llm --each df --out labelled\nSay {{ text }}")
    assert ran.status == "ok"
    record = _record(ran)
    job = record["job"]
    assert (job["state"], job["count"], job["done"], job["failed"]) == ("done", 8, 8, 0)
    assert record["state"] == "done"
    [table] = record["blocks"]
    assert table["labels"] == ["r0", "r1", "r2", "r3", "r4"]
    assert table["said"].startswith("`labelled` is a DataFrame of 8 rows")
    [*_, markdown] = ran.markdown
    assert "**8 rows** \u00b7 100 %" in markdown
    assert "| r0 | w0 | You said: Say w0 |" in markdown
    python = kernel.run('import llm_notebook as llm\nfound = llm.map_rows(df, "Say {{ text }}", model="other")')
    assert _record(python)["job"]["done"] == 8
    assert _record(python)["blocks"][0]["said"].startswith("A DataFrame of 8 rows")
    refused = kernel.run("%%llm --each df --limit-cost 1 -m other\nSay {{ text }} again")
    assert refused.status == "error"
    assert kernel.value("labelled.shape") == (8, 5)


def _record(cell: Cell) -> dict[str, Any]:
    document: dict[str, Any] = cell.outputs[-1][MIME_TYPE]
    return document
