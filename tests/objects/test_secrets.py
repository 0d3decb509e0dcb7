"""Secrets in what a model would be sent: those that are planted in objects, cells and errors are removed and counted."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.objects.secret_names import is_secret_name
from llm_notebook.objects.secrets import REMOVED, Removal, Scrubber, known_secrets

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+abc/def==\nZZZ\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN"


@pytest.mark.parametrize(
    ("kind", "text", "secret"),
    [
        ("a stored key", "requests.get(u, headers={'X': 'stored-value-1'})", "stored-value-1"),
        ("the environment", "connect('from the environment')", "from the environment"),
        ("a variable", "login(user, 'of a variable')", "of a variable"),
        ("an entry of a dict", "{'host': 'db', 'pw': 'in a dict'}", "in a dict"),
        ("an address", "engine = create_engine('postgres://ana:s3cr3t@db.example/prices')", "s3cr3t"),
        ("an address without a password", "git clone https://abcdef0123@github.com/a/b", "abcdef0123"),
        ("a private key", f"key = '''{PEM}'''", "MIIEow"),
        ("a private key, spelled out", json.dumps({"pem": PEM}), "MIIEow"),
        ("a private key, cut off", PEM[:45], "MIIEow"),
        ("a web token", f"headers = {{'Authorization': 'Bearer {JWT}'}}", "eyJhbGci"),
        ("a web token by itself", JWT, "eyJhbGci"),
        ("a known prefix", "openai.OpenAI('sk-proj-abcdefghijklmnop')", "sk-proj"),
        ("GitHub's", "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_"),
        ("Amazon's", "AKIAIOSFODNN7EXAMPLE", "AKIA"),
        ("Google's", "AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIza"),
        ("Slack's", "xoxb-123456789012-abcdef", "xoxb"),
        ("a cell", 'password = "correct horse"', "correct horse"),
        ("an f-string and triple quotes", 'DB_PASSWORD = f"""correct horse"""', "correct horse"),
        ("JSON", '{"api_key": "abc", "b": 1}', "abc"),
        ("JSON in JSON", json.dumps(json.dumps({"client_secret": "abcdef"})), "abcdef"),
        ("a repr", "Client(host='h', access_token='abcdef', retries=3)", "abcdef"),
        ("settings", "API_KEY=9f8e7d6c5b\nDEBUG=1", "9f8e7d6c5b"),
        ("YAML", "db:\n  password: hunter2\n", "hunter2"),
        ("the query of an address", "https://example.com/a?b=1&api_key=9f8e7d6c&c=2", "9f8e7d6c"),
        ("a subscript", "os.environ['GITHUB_TOKEN'] = 'abcdef'", "abcdef"),
        ("a default of an argument", "def connect(host, *, password='abcdef'): ...", "abcdef"),
        ("the command line", "!curl -H x --token=abc123def https://example.com", "abc123def"),
        ("a key that looks like one", 'key = "3f9a8b7c6d5e4f3a2b1c"', "3f9a8b7c6d5e4f3a2b1c"),
        ("after letters that have a longer form", 'İstanbul = 1\nİ password = "correct horse"', "correct horse"),
        ("after the same word", "The key is here: api_key == 'correct horse'", "correct horse"),
        ("in a value that is no name", "token=x-api_key='correct horse'", "correct horse"),
        ("a word in the query of an address", "get('https://example.com/?b=1&password=zzz&c=2')", "zzz"),
        ("a word in an option of a command", "!mysql --user=ana --password=zzz", "zzz"),
    ],
)
def test_what_is_secret_is_removed_and_counted(kind: str, text: str, secret: str) -> None:
    known = known_secrets(
        ["stored-value-1"],
        {"MY_TOKEN_VALUE": "shorty", "SOME_API_KEY": "from the environment", "HOME": "/home/ana", "PASSWORD": "x"},
        {"secret": "of a variable", "settings": {"db": [{"password": "in a dict"}]}, "key": "month", "token": "the"},
    )
    scrubber = Scrubber(known)
    scrubbed = scrubber.scrub(text)
    assert secret not in scrubbed
    assert REMOVED in scrubbed
    assert scrubber.count == 1
    assert scrubber.scrub(scrubbed) == scrubbed
    assert scrubber.count == 1


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'count'",
        "df.sort_values(key=len)",
        "for key in data: data[key] = key",
        "sorted(rows, key=lambda row: row['price'])",
        "max_tokens=1000, pad_token='<pad>'",
        "token: str = next_token",
        "password: str | None = None",
        "api_key = os.environ['API_KEY']",
        "api_key = get_key()",
        "primary_key='order_id'",
        "the key: a word, and the secret: work",
        "merge(a, b, on='key')",
        "{'key': 'month', 'n': 3}",
        "tokens = text.split(' ')",
        "https://example.com/a@b?page_token=2",
        "user@example.com",
        "task-0123456789abcdef and disk-abcdefghijklmnop",
        "assert secret == other",
        "password = ''",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    scrubber = Scrubber(known_secrets(variables={"key": "month", "token": "order", "tokens": ["count", "price"]}))
    assert scrubber.scrub(text) == text
    assert scrubber.count == 0


@pytest.mark.parametrize(
    "text",
    [
        "password: str = 'correct horse'",
        "password: str | None = Field(default='correct horse')",
        "password = ('Tr0ub4dor'\n    ' correct horse')",
        "password = 'abc' + 'correct horse'",
        "password = 'it\\'s correct horse'",
        "password = given or 'correct horse'",
        "password = 'correct horse' if is_test else ask()",
        "password, host = 'correct horse', 'h'",
        "passwords = ['abc', 'correct horse']",
        "api_key = os.getenv('API_KEY', 'correct horse')",
        "url = ('postgres://%s'\n       % os.getenv('DB_PASSWORD', 'correct horse'))",
        "df?\napi_key = os.getenv('API_KEY', 'correct horse')",
        "?df\napi_key = os.getenv('API_KEY', 'correct horse')",
        'password = """first\n!run --token=abcdef12345 x\ncorrect horse"""\n%time run()',
        "api_key = os.environ.get('K', 'correct horse')",
        "connect(api_key=SecretStr('correct horse'))",
        "setattr(client, 'password', 'correct horse')",
        "os.environ.setdefault('API_KEY', 'correct horse')",
        "smtp.login('ana', 'correct horse')",
        "requests.get(url, auth=('ana', 'correct horse'))",
        "session.auth = HTTPBasicAuth('ana', 'correct horse')",
        "if password in ('correct horse', 'b'): ...",
        "conn = connect('host=db password=correct dbname=x')",
        "x = 1\n    def f(a, *, token='correct horse'): ...",
        "    def method(self, token='correct horse'): ...",
        "%env API_KEY=correct",
        "%env API_KEY correct",
        "x = !curl -u ana:correct https://example.com",
        "!curl -H 'X-Api-Key: correct' https://example.com",
        "df.to_sql(f'postgres://ana:pa@correct@{host}/db')",
    ],
)
def test_a_secret_is_found_however_code_gives_it(text: str) -> None:
    scrubber = Scrubber()
    scrubbed = scrubber.scrub(text)
    assert "correct" not in scrubbed
    assert REMOVED in scrubbed
    assert scrubber.scrub(scrubbed) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "|  | value |\n| --- | --- |\n| DB_PASSWORD | correct |\n| host | h |",
        "| user | password |\n|---|---|\n| ana | correct |\n| bo | None |",
        "user | password | n\n-----+----------+---\nana  | correct  | 3",
        "┌──────┬──────────┐\n│ user ┆ password │\n│ ---  ┆ ---      │\n│ str  ┆ str      │\n╞══════╪══════════╡\n│ ana  ┆ correct  │\n└──────┴──────────┘",
        "  user password\n0  ana  correct",
        "      user  password\n0      ana   correct\n1  bo bo         x",
        "DB_PASSWORD    correct\nhost                 h\ndtype: object",
        "<password>correct</password>",
        '<add key="Password" value="correct"/>',
        "machine h login ana password correct",
        "password: |\n  correct\nuser: ana\n",
        '"password": correct',
        "**password**: correct",
        "**Password:** correct",
        "postgres://ana:pa/correct@db/prices",
        "postgres://ana:pa#correct@db/prices",
        "postgres://ana:pa@correct@db/prices",
    ],
)
def test_a_secret_is_found_however_a_text_gives_it(text: str) -> None:
    scrubber = Scrubber()
    scrubbed = scrubber.scrub(text, is_code=False)
    assert "correct" not in scrubbed
    assert REMOVED in scrubbed
    assert scrubber.scrub(scrubbed, is_code=False) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "| word | count |\n|---|---|\n| password | 12 |\n| token | 3.5 |",
        "| key | value |\n|---|---|\n| month | May |\n| token | word |",
        "  key token\n0  month   May",
        "password    object\nn            int64\ndtype: object",
        "flags = password | other",
        "    user  n\n0    a  1",
        "df.drop(columns=['password', 'token'])",
        "token = tokens.get('token', '')",
        "https://example.com:8080/a@b and http://localhost:8888/c@d",
        "params = {'sql': 'select * from t where password=:given or password=?'}",
        "parser.add_argument('--password', help='the one of the database')",
        "password = getpass('The password of the database')",
        "<input name='password'></input>",
    ],
)
def test_what_only_looks_like_a_table_or_a_call_with_a_secret_stays(text: str) -> None:
    assert Scrubber().scrub(text) == text


@pytest.mark.parametrize(
    "value",
    [
        {"password": {"main": "correct"}},
        {"secrets": [{"main": ["correct"]}]},
        [{"name": "DB_PASSWORD", "value": "correct"}],
        {"key": "DB_PASSWORD", "value": "correct", "n": 1},
        [["password", "correct"], ["host", "h"]],
        {"DB_PASS": "correct"},
        {"Cookie": "correct"},
    ],
)
def test_a_secret_is_found_however_json_gives_it(value: object) -> None:
    assert "correct" not in json.dumps(Scrubber().scrub_json(value))


def test_a_secret_that_was_found_once_is_found_again_by_itself() -> None:
    scrubber = Scrubber()
    scrubber.scrub("password = 'corr3ct horse'\nsecret = 'production'")
    assert scrubber.scrub("no login with corr3ct horse in production") == f"no login with {REMOVED} in production"


@pytest.mark.parametrize(
    "value",
    [
        {"properties": {"password": {"type": "string", "description": "of the user"}}},
        {"key": {"main": "a"}},
        [{"name": "password", "kind": "column"}],
        ["token", "the"],
    ],
)
def test_json_that_only_describes_a_secret_stays(value: object) -> None:
    assert Scrubber().scrub_json(value) == value


def test_a_word_of_a_megabyte_is_read_once() -> None:
    # As in a file that was encoded to go into an address. Reading on from each of its letters would take minutes.
    text = f"data={'A' * 1_000_000}key=="
    assert Scrubber().scrub(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "password=zzz",
        "Use password=zzz, please.",
        "The database (user=ana, password=zzz) is read-only.",
        "`password=zzz` is for tests.",
        "USER=ana\nDB_PASSWORD=zzz\nDEBUG=1",
        "USER=ana\r\nDB_PASSWORD=zzz\r\n",
        "export TOKEN=zzz",
        "db:\n  user: ana\n  password: zzz\n",
        "- password: zzz",
        "password = zzz\n",
    ],
)
def test_a_word_is_a_value_in_settings_and_prose(text: str) -> None:
    scrubber = Scrubber()
    scrubbed = scrubber.scrub(text, is_code=False)
    assert scrubbed.replace(REMOVED, "zzz") == text
    assert (scrubber.count, "zzz" in scrubbed) == (1, False)
    assert Scrubber().scrub(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Call connect(host, password=pw) first.",
        "connect(\n    password=pw,\n    host=host,\n)",
        "token: str",
        "PASSWORD=$DB_PASSWORD",
        "PASSWORD=%DB_PASSWORD%",
        "token=<yours>, password=",
        "the key: a word, and the secret: work",
        "Password: see the wiki.",
        "password:\nnext line",
        "key=month",
        "password == other",
        "password=None",
        "!curl --token=$TOKEN --password={pw}",
    ],
)
def test_what_is_no_value_stays_in_settings_and_prose(text: str) -> None:
    assert Scrubber().scrub(text, is_code=False) == text


def test_names_say_what_is_secret() -> None:
    for name in (
        "API_KEY",
        "apiKey",
        "github_token",
        "DB_PASSWORD",
        "password1",
        "clientSecret",
        "pwd",
        "SECRET_X",
        "key",
    ):
        assert is_secret_name(name), name
    for other in (
        "KeyError",
        "max_tokens",
        "tokens",
        "keyboard",
        "monkey",
        "primary_key",
        "keys",
        "secretary",
        "",
        3,
        None,
    ):
        assert not is_secret_name(other), other


def test_a_value_under_a_secret_name_goes_whole() -> None:
    scrubber = Scrubber()
    assert scrubber.scrub_named("password", "short") == REMOVED
    assert scrubber.scrub_named("key", "month") == "month"
    assert scrubber.scrub_named("url", "postgres://ana:pw@db/x") == f"postgres://{REMOVED}@db/x"
    assert scrubber.count == 2
    scrubber.where = "config"
    scrubber.scrub(JWT)
    assert scrubber.removals == [
        Removal("", "the value of password"),
        Removal("", "the user of an address"),
        Removal("config", "a JSON Web Token"),
    ]


def test_the_same_secret_counts_once_however_it_is_written() -> None:
    scrubber = Scrubber(known_secrets(['a secret/with "odd" signs']))
    scrubbed = scrubber.scrub('one a secret/with "odd" signs, ' + json.dumps('a secret/with "odd" signs'))
    assert scrubbed.count(REMOVED) == 2
    assert scrubber.count == 1


def test_objects_that_could_run_code_are_not_looked_into() -> None:
    class Odd(dict[str, object]):
        def items(self) -> object:  # type: ignore[override]
            raise AssertionError("looked into")

    @dataclass
    class Config:
        password: str

    assert not known_secrets(variables={"odd": Odd(password="x" * 9), "config": Config("y" * 9)}).values
    deep: dict[str, object] = {}
    deep["password"] = deep
    assert not known_secrets(variables=deep).values


@given(st.text(alphabet=st.sampled_from("keytokn= :'\"[]-\\@/.?&a1\n{},")), st.booleans())
def test_no_text_is_too_odd(text: str, is_code: bool) -> None:
    scrubber = Scrubber()
    scrubbed = scrubber.scrub(text, is_code=is_code)
    assert scrubber.count == 0 or REMOVED in scrubbed


@pytest.mark.parametrize(
    "piece",
    [
        "a:",
        "key=",
        "password='",
        "://a",
        "://a:",
        "<password>",
        "| password ",
        "password  x\n",
        "password: |\n",
        "-u a",
        "f(password='a', ",
        "-----BEGIN A-----",
        "eyJ",
        "sk-",
        "api_key ",
        "'''",
        "a.-",
        "pwd=abc ",
    ],
)
def test_long_texts_take_no_time(piece: str) -> None:
    # Anything quadratic would take minutes.
    Scrubber().scrub(piece * 100_000)
    Scrubber().scrub(piece * 100_000, is_code=False)


def test_the_folders_of_a_shell_are_no_secrets() -> None:
    environment = {"PWD": "/home/ana/prices", "OLDPWD": "/home/ana", "DB_PWD": "correct horse"}
    scrubber = Scrubber(known_secrets(environment=environment))
    assert (
        scrubber.scrub("In /home/ana/prices, connect('correct horse')") == f"In /home/ana/prices, connect('{REMOVED}')"
    )
