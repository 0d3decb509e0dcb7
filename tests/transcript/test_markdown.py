"""`safe_markdown`: whatever a model writes, the rendered result has nothing in it that runs, loads or triggers a command."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from llm_notebook.transcript.markdown.links import safe_url
from llm_notebook.transcript.markdown.safe import safe_markdown

TAGS = frozenset(
    """
    p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong s del hr br a span div table thead tbody tr th td
    input dl dt dd
    """.split()
)
ATTRIBUTES = {
    "a": {"href", "class"},
    "ol": {"start"},
    "li": {"class"},
    "th": {"style"},
    "td": {"style"},
    "code": {"class"},
    "span": {"class"},
    "div": {"class"},
    "input": {"class", "type", "disabled", "checked"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
ADDRESS = re.compile(r"(https?://[^\s\"'<>`\\]+|mailto:[^\s\"'<>`\\]+)")
HEADING_ANCHOR = re.compile(r"#.*", re.DOTALL)  # nbconvert's own link from a heading to itself


class Audit(HTMLParser):
    """Collects the elements, attributes and addresses of a page that are not on the list of harmless ones."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.found.append(f"<{tag}>")
        anchor = dict(attrs).get("class") == "anchor-link"
        for name, value in attrs:
            shown = value or ""
            if name not in ATTRIBUTES.get(tag, set()):
                self.found.append(f"<{tag} {name}={shown!r}>")
            elif name == "href":
                self.links.append(shown)
                if not (ADDRESS.fullmatch(shown) or (anchor and HEADING_ANCHOR.fullmatch(shown))):
                    self.found.append(f"<a href={shown!r}>")
            elif name == "class" and re.search("mermaid", shown, re.IGNORECASE):
                self.found.append(f"class {shown!r}")
            elif name == "style" and not re.fullmatch(r"text-align: ?(left|right|center)", shown):
                self.found.append(f"style {shown!r}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.found.append(f"<!--{data}")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"<!{decl}")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"<?{data}")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"<![{data}")


def with_markdown_it(source: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(source))


def with_nbconvert(source: str) -> str:
    return str(markdown2html_mistune(source))


RENDERERS = [with_markdown_it, with_nbconvert]


def audit(html: str) -> Audit:
    seen = Audit()
    seen.feed(html)
    seen.close()
    return seen


def assert_inert(text: str) -> str:
    safe = safe_markdown(text)
    for render in RENDERERS:
        html = render(safe)
        found = audit(html).found
        assert not found, (render.__name__, found, safe, html)
    return safe


ALPHABET = [
    *"`~*_#>|-+=[](){}<>!$\\&;:\"'/@. \t\n0aZ",
    "```",
    "~~~",
    "````",
    "$$",
    "\\(",
    "\\)",
    "\\[",
    "\\]",
    "\\\\(",
    "\\\\)",
    "\\begin{a}",
    "\\end{a}",
    "\\href{javascript:x}{y}",
    "@@0@@",
    "<script>",
    "</script>",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<?",
    "](",
    "](javascript:alert(1))",
    "](https://a.b/",
    "![",
    "[x]: javascript:x\n",
    "[x]",
    "http://a.b",
    "www.a.b",
    "<https://a.b>",
    "&lt;",
    "&#x3c;",
    "\n\n",
    "\n    ",
    "\n- ",
    "\n  ",
    "\n> ",
    "\n1. ",
    "\n| a | b |\n| - | - |\n",
    "\n```\n",
    "\n````\n",
    "\n  ```\n  ",
    "\n> ```\n> ",
    "\n> ````\n> ",
    "\n- ```\n  $\n  ```\n",
    "\n> - ```\n>   $$\n>   ```\n",
    "`$`",
    "`` ` ``",
    "`$$`",
    "$a$",
    "$$b$$",
    "**",
    "~~",
    "| ",
    "mermaid",
    "\u2028",
    "\x00",
    "\ud800",
]
hostile_text = st.lists(st.sampled_from(ALPHABET), max_size=60).map("".join)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(hostile_text)
def test_nothing_active_comes_out_of_any_text(text: str) -> None:
    assert_inert(text)


PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "text <img src=x onerror=alert(1)> text",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>x</a>",
    "<form action=https://evil.example><input name=q><button>go</button></form>",
    "<style>*{background:url(https://evil.example)}</style>",
    "<link rel=stylesheet href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<object data=x></object><embed src=x>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<details open ontoggle=alert(1)>",
    "<div\nonclick=alert(1)\n>x</div>",
    "<button data-commandlinker-command='notebook:run-all-cells' data-commandlinker-args='{}'>Click</button>",
    "<b data-commandlinker-command=terminal:create-new>x</b>",
    "<!-- <script>alert(1)</script> -->",
    "<!--> <img src=x onerror=alert(1)> -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><img src=x onerror=alert(1)>",
    "<!DOCTYPE x [<!ENTITY y 'z'>]>",
    "![x](https://evil.example/pixel.png)",
    "![x][r]\n\n[r]: https://evil.example/pixel.png",
    "[![x](https://evil.example/pixel.png)](javascript:alert(1))",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#x0A;script:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](\\javascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](\x01javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example/x)",
    "[x](notebook.ipynb)",
    "[x](#command)",
    "[x](https://user:secret@evil.example/)",
    "[x](http://[::1]/)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "[x]\n\n[x]: <javascript:alert(1)> 'title'",
    "[x]: javascript:alert(1)\n[x]",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    '[x](https://a.b/"onmouseover=alert(1)//)',
    "[x](https://a.b/'onmouseover='alert(1))",
    "[x](<https://a.b/ onmouseover=alert(1)>)",
    '[x](https://a.b "t\\" onmouseover=alert(1)")',
    'https://a.b/"onmouseover=alert(1)',
    "http://a.b/<script>alert(1)</script>",
    'www.a.b/"><img src=x onerror=alert(1)>',
    'a@b.c"><img src=x onerror=alert(1)>',
    '[x](https://a.b/$"onmouseover=alert(1)//$)',
    '[x](https://a.b/@@0@@) $" onmouseover=alert(1) x="$',
    "@@0@@ @@1@@ `@@0@@` @@99@@",
    "$<img src=x onerror=alert(1)>$",
    "$$\n<script>alert(1)</script>\n$$",
    "\\(<svg onload=alert(1)>\\) \\[<svg onload=alert(1)>\\]",
    "\\\\(<svg onload=alert(1)>\\\\)",
    "\\begin{a}<svg onload=alert(1)>\\end{a}",
    "$[x](javascript:alert(1))$",
    "$a\n\n<script>alert(1)</script>\n\nb$",
    "`$$` x `$$`\n\n```\n$$\n<script>alert(1)</script>\n```",
    "`$$`\n\n```\n$$\n```\n<script>alert(1)</script>\n",
    "`\\begin{a}` ``\\end{a} ` <script>alert(1)</script> ``",
    "- ```\n  $\n  ```\n- ````\n  $\n  ```\n  <script>alert(1)</script>\n  ````",
    "> ```\n> $\n> ```\n> ````\n> $\n> ```\n> <script>alert(1)</script>\n> ````",
    "```mermaid\ngraph TD\nclick A call alert(1)\n```",
    "```Mermaid\ngraph TD\n```",
    "~~~mermaid {x}\ngraph TD\n~~~",
    "``` mermaid-x\ngraph TD\n```",
    '```" onmouseover=alert(1) x="\nx\n```',
    "```<script>\nx\n```",
    "```geojson\n{}\n```",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "`</code><script>alert(1)</script>`",
    "``` `` <script>alert(1)</script>\n```",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script>alert(1)&#60;/script>",
    "&amp;lt;script&amp;gt;",
    "\\<script>alert(1)\\</script>",
    "- <script>\n  alert(1)\n  </script>",
    "- a\n\n      <script>alert(1)</script>\n- ```\n<script>alert(1)</script>\n  ```",
    "> <script>\nalert(1)</script>",
    "1. ```\n   x\n  ```\n<img src=x onerror=alert(1)>",
    "- - - - - - - - - ```\n<b onclick=alert(1)>",
    "\t<script>alert(1)</script>\n<script>alert(1)</script>",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |\n| `|` <script>alert(1)</script> |",
    "| `a |\n|---|\n| b` <script>alert(1)</script> |",
    "# <script>alert(1)</script>\n<img src=x onerror=alert(1)>\n===",
    "x\u2028<script>alert(1)</script>",
    "```\nx\x0c\x85```\u2029<script>alert(1)</script>\n```",
    "*<img src=x*onerror=alert(1)>",
    "<scr\x00ipt>alert(1)</script>",
    "<a\x0bhref=javascript:alert(1)>x</a>",
    "[a](<javascript:alert(1)>) [b]( javascript:alert(1) )",
    "![a](https://x.y/z.png) look![b](https://x.y/z)",
    "term\n: <script>alert(1)</script>",
    "[^1]\n\n[^1]: <script>alert(1)</script>",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payload_is_inert(payload: str) -> None:
    assert_inert(payload)
    assert_inert(f"Intro:\n\n- item\n  {payload}\n\n> {payload}\n\n| x |\n|---|\n| {payload} |\n\n{payload}")


def test_the_audit_notices_what_the_raw_payloads_do() -> None:
    noticed = [payload for payload in PAYLOADS if any(audit(render(payload)).found for render in RENDERERS)]

    assert len(noticed) > 50


@settings(max_examples=60)
@given(hostile_text, st.integers(0, 200))
def test_every_prefix_is_inert(text: str, cut: int) -> None:
    assert_inert(text[:cut])


def test_html_is_shown_as_the_text_it_is() -> None:
    for source in ("<b>x</b> &lt;i>", "<div>\n*a*\n</div>"):
        shown = "".join(audit(with_markdown_it(safe_markdown(source))).text)
        assert "<" in shown
    assert "<b>x</b> <i>" in "".join(audit(with_markdown_it(safe_markdown("<b>x</b> &lt;i>"))).text)


ORDINARY = """\
# Title with `code` and *emphasis*

A paragraph with **strong**, *emphasised* and ~~struck~~ words, snake_case, 2 * 3, a > b & c, R&D, [1].
A second line,\\
a hard break. 1. is no list here - nor here; C:\\Users\\bob.

- one
- two
  - nested
  - `a|b`

    loose
- [ ] to do
- [x] done

3. three
4. four

   ```python
   if x:
   \tprint("<tab>")
   ```

> quoted *text*
>
> - in a quote

| left | middle | right |
| :--- | :---: | ---: |
| a | `b \\| c` | d \\| e |

***

## Second

```
~~~ $not maths$ `x`
```

[a link](https://example.com/a_(b)?x=1&y=%20z#frag) and <https://example.com/>.
"""


def test_ordinary_markdown_looks_the_same_after_as_before() -> None:
    assert with_markdown_it(safe_markdown(ORDINARY)).replace("%28b%29", "(b)") == with_markdown_it(ORDINARY)


inline_pieces = st.lists(
    st.sampled_from(
        [
            "word",
            "a_b",
            "*em*",
            "**strong**",
            "`code`",
            "``a`b``",
            "[l](https://a.b/c)",
            "x < y",
            "5 * 6",
            "~~no~~",
            "(1)",
            "a.b",
        ]
    ),
    min_size=1,
    max_size=6,
).map(" ".join)
blocks = st.deferred(
    lambda: st.lists(
        st.one_of(
            inline_pieces,
            inline_pieces.map("## {}".format),
            st.sampled_from(
                ["```py\nx = '`'\n\n\ty\n```", "***", "| a | b |\n| --- | :-: |\n| 1 | `2` |", "> quote\n> more"]
            ),
            st.lists(inline_pieces, min_size=1, max_size=4).map(lambda items: "\n".join(f"- {item}" for item in items)),
            st.lists(inline_pieces, min_size=1, max_size=3).map(
                lambda items: "\n\n".join(f"2. {item}" for item in items)
            ),
            inline_pieces.map(lambda text: f"- {text}\n  1. {text}\n     > {text}\n- {text}"),
        ),
        min_size=1,
        max_size=6,
    ).map("\n\n".join)
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(blocks)
def test_well_formed_markdown_keeps_its_structure(text: str) -> None:
    safe = safe_markdown(text)

    assert with_markdown_it(safe) == with_markdown_it(text)
    assert safe_markdown(safe) == safe


code_text = st.lists(st.sampled_from([*"`~ab\t <>&$\\|*_#-\n", "```", "$$", "\\begin{a}", "</code>"]), max_size=60).map(
    "".join
)


@settings(max_examples=200)
@given(code_text, st.sampled_from(["", "- ", "1. ", "> ", "> - "]))
def test_code_comes_out_as_it_went_in(code: str, container: str) -> None:
    indent = "".join(character if character == ">" else " " for character in container)
    fence = "`" * 80
    lines = [f"{container}{fence}", *(f"{indent}{line}" for line in code.split("\n")), f"{indent}{fence}"]

    html = with_markdown_it(safe_markdown("\n".join(lines)))

    assert "".join(audit(html).text).strip("\n") == code.strip("\n")
    assert "<pre><code>" in html


@pytest.mark.parametrize("word", ["mermaid", "MERMAID", "mermaid2", "geojson", "topojson", "stl", "math"])
def test_diagrams_are_shown_as_code(word: str) -> None:
    assert safe_markdown(f"```{word}\nx\n```") == "```text\nx\n```"


def test_what_is_unfinished_shows_as_it_stands() -> None:
    assert safe_markdown("**bo") == "\\*\\*bo"
    assert safe_markdown("```py\nx = 1") == "```py\nx = 1\n```"
    assert safe_markdown("") == ""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[a](https://a.b/c 'title')", "[a](https://a.b/c)"),
        ("[a](HTTPS://A.b)", "[a](https://a.b)"),
        ("[a](mailto:x@y.z)", "[a](mailto:x@y.z)"),
        ("[a][r]\n\n[r]: https://a.b", "[a](https://a.b)\n\n\\[r\\]: <https://a.b>"),
        ("[a](javascript:x)", "a"),
        ("[a](/relative)", "a"),
        ("![alt](https://a.b/c.png)", "[image: alt](https://a.b/c.png)"),
        ("<https://a.b/>", "<https://a.b/>"),
        ("see https://a.b/c.", "see <https://a.b/c>."),
        ("[https://bank.com](https://evil.com)", "[https\\://bank.com](https://evil.com) (evil.com)"),
        ("[bank.com](https://evil.com/bank.com)", "[bank.com](https://evil.com/bank.com) (evil.com)"),
        ("[www.bank.com](https://bank.com/x)", "[www\\.bank.com](https://bank.com/x)"),
        ("[setup.py](https://github.com/x)", "[setup.py](https://github.com/x)"),
        ("Hey![a](https://a.b)", "Hey[image: a](https://a.b)"),
        ("Hey\\![a](https://a.b)", "Hey&#33;[a](https://a.b)"),
    ],
)
def test_links_are_plain_and_honest(source: str, expected: str) -> None:
    assert safe_markdown(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$x_1 < 2$", r"$x_1 \lt 2$"),
        (r"\(a+b\)", "$a+b$"),
        (r"\[ c \]", "$$c$$"),
        ("$$\na\n- b\n$$", "$$a - b$$"),
        ("It costs $5.", r"It costs \$5."),
        (r"$\frac{1}{2}$", r"$\frac{1}{2}$"),
        (r"$\href{javascript:x}{y}$", r"`$\href{javascript:x}{y}$`"),
        (r"$\def\x{y}$", r"`$\def\x{y}$`"),
        ("$a}{b$", "`$a}{b$`"),
        ("$$\n\\require{x}\n$$", "```latex\n$$\n\\require{x}\n$$\n```"),
    ],
)
def test_formulas_are_kept_when_harmless_and_shown_otherwise(source: str, expected: str) -> None:
    assert safe_markdown(source) == expected


def test_no_two_dollars_that_are_not_a_formula_are_left_in_one_run_of_text() -> None:
    html = with_markdown_it(safe_markdown("from $5 to $10"))

    assert html == "<p>from <span>$</span>5 to <span>$</span>10</p>\n"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        ">" * 100_000,
        "- " * 50_000,
        "*" * 100_001 + "a",
        "*a " * 20_000,
        "`" * 99_999,
        "$" * 50_000,
        "\\[\n" * 20_000,
        "<a " * 30_000,
        "x" * 1_000_000,
        "\ud800\x00\uffff",
        "| a " * 1_000 + "\n" + "|-" * 1_000 + "\n" + "|x\n" * 500,
        "\n".join(" " * 2 * depth + "- a" for depth in range(200)),
    ],
    ids=lambda text: text[:6].encode("ascii", "backslashreplace").decode(),
)
def test_extreme_texts_come_back(text: str) -> None:
    safe = safe_markdown(text)

    safe.encode("utf-8")
    assert not audit(with_markdown_it(safe[:5_000])).found


ADDRESSES = json.loads(Path(__file__).with_name("addresses.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("address", "is_link"), ADDRESSES)
def test_an_address_is_a_link_in_the_file_if_it_is_one_on_the_page(address: str, is_link: bool) -> None:
    # The front end reads the same table: `labextension/src/transcript/answer/markdown/links.spec.ts`.
    assert (safe_url(address) is not None) is is_link


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# " + "#" * 1_000_000 + " x", id="marks of a heading"),
        pytest.param("a" + " " * 1_000_000 + "b", id="blanks"),
        pytest.param("|" + "a|" * 3000 + "\n|" + "-|" * 3000 + "\n" + "|b|\n" * 3000, id="cells that are left out"),
        pytest.param(("http://a" + ")" * 1990 + " ") * 200, id="brackets after addresses"),
    ],
)
def test_what_would_take_minutes_if_its_time_grew_with_the_square_comes_back(text: str) -> None:
    assert len(safe_markdown(text)) < 2 * len(text)


@pytest.mark.parametrize("prefix", ["- ", "1. ", "> ", "- > "])
def test_nested_code_that_a_formula_search_could_break_open_holds_no_html(prefix: str) -> None:
    indent = "".join(character if character == ">" else " " for character in prefix)
    first = f"{prefix}```\n{indent}$\n{indent}```\n"
    second = f"{prefix}````\n{indent}$\n{indent}```\n{indent}<script>alert(1)</script>\n{indent}````"

    assert "<script" not in safe_markdown(first + second)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("See there[^1].\n\n[^1]: Appendix", "See there\\[^1\\].\n\n\\[^1\\]: Appendix"),
        ("[1]: https://a.example/x 'A title'", "\\[1\\]: <https://a.example/x> 'A title'"),
        (
            "[1]: https://a.example/x\n[1]: https://b.example/y",
            "\\[1\\]: <https://a.example/x>\n\n\\[1\\]: <https://b.example/y>",
        ),
        ("> [1]: javascript:alert(1)", "> \\[1\\]: javascript:alert(1)"),
        ("| a | b |\n|---|---|\n| one<br>two | x |", "| a | b |\n| --- | --- |\n| one<br>two | x |"),
        ("one<BR />two", "one\\\ntwo"),
        ("H<sub>2</sub>O and x<sup>*n*</sup>", "H<sub>2</sub>O and x<sup>*n*</sup>"),
        ("<sub onclick=x>2</sub>", "&lt;sub onclick=x>2&lt;/sub>"),
        ("<sub>not closed", "&lt;sub>not closed"),
    ],
)
def test_what_markdown_would_hide_or_show_raw_keeps_its_text_or_meaning(source: str, expected: str) -> None:
    assert safe_markdown(source) == expected


def test_the_formulas_of_a_long_row_are_found_in_linear_time() -> None:
    for unit in (r"\$a", r"\(a", r"\$", "$a\\", r"\(a|", "$1|", "$a"):
        shown = safe_markdown("|" + unit * (200_000 // len(unit)))
        assert shown.strip()


def test_an_escaped_dollar_begins_no_formula_in_a_table() -> None:
    rendered = with_markdown_it(safe_markdown("| a | b |\n|---|---|\n| \\$1 | $x|y$ |\n"))
    assert rendered.count("<td>") == 2
