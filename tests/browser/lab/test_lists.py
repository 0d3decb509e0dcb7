"""The lists of `%llm models`, `%llm history` and the other subcommands are usable with a keyboard and a screen reader."""

from __future__ import annotations

from tests.browser.asking import Asking
from tests.browser.bundles.test_accessibility import FRONT_END
from tests.fakes.openai_server import text_reply

LISTS = (
    *(
        "models",
        "models --options -q scripted",
        "default",
        "aliases",
        "keys",
        "local",
        "help",
        "help models",
        "pending",
    ),
    *("history", "usage", "jobs", "grants", "templates", "tools", "fragments", "plugins", "schemas"),
)
FIND = """async () => {
  const { violations } = await axe.run({ include: ['.jp-OutputArea-output'] });
  return violations.flatMap(({ id, impact, nodes }) => nodes.map(node => [id, impact, node.html.slice(0, 200)]));
}"""


def test_axe_finds_nothing_in_any_list(asking: Asking) -> None:
    lab = asking.lab
    cells = [
        asking.tool(),
        "%llm -m scripted -u Which towns?",
        "%llm -m scripted -T delete_files Tidy up.",
        "%%llm -m scripted --save towns\nWhich towns are in $country?",
        *(f"%llm {name}" for name in LISTS),
    ]
    lab.write("lists.ipynb", cells)
    asking.server.play(text_reply("Oslo and Rome."))
    for at in range(2):
        lab.run_cell(at)
        lab.wait_until_ran(at)
    asking.play()
    for at in range(2, len(cells)):
        lab.run_cell(at)
        lab.wait_until_ran(at)
    lab.page.add_script_tag(path=FRONT_END / "node_modules" / "axe-core" / "axe.min.js")
    for at in range(4, len(cells)):
        assert lab.output(at).inner_text().strip(), cells[at]
    for theme in lab.themes():
        found = lab.page.evaluate(FIND)
        assert found == [], "\n".join([theme, *map(str, found)])
