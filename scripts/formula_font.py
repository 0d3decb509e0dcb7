"""Makes the font of formulas from Latin Modern Math: the characters that formulas use, with the sizes to which signs stretch.

Run it only to change which characters the font has; the result is kept in the repository. It needs `fonttools` and `brotli`, and
the file `latinmodern-math.otf`, which TeX distributions and Debian's `fonts-lmodern` have:

    python -m scripts.formula_font PATH/TO/latinmodern-math.otf
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

FONT = Path(__file__).resolve().parent.parent / "labextension" / "style" / "formulas.woff2"

_CHARACTERS = (
    "20-7E A0-FF 131 237 2C6 2C7 2D8-2DD 300-338 391-3F6 "  # letters and accents
    "2000-206F 20D0-20E9 2100-214F "  # spaces, marks over several letters, letters that are signs
    "2190-23FF 25A0-25FF 2605 2660-2667 266D-266F 27C0-27FF 2900-297F 29EB 29F5 2A00-2AFF "  # arrows, operators, brackets
    "1D400-1D4CF 1D504-1D56B 1D5A0-1D5D3 1D670-1D6A3 1D6A8-1D755 1D7CE-1D7FF"  # the alphabets of mathematics
)
_NAMES = (1, 3, 4, 6, 16)
"""The names by which a program could take the subset for the whole font. Copyright and licence stay as they are."""


def main(source: Path) -> int:
    """Write the font. Return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        subset = Path(folder, "subset.otf")
        unicodes = ",".join(f"U+{part}" for part in _CHARACTERS.split())
        options = ["--layout-features=", "--no-hinting", "--name-IDs=*"]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "fontTools.subset",
                source,
                f"--unicodes={unicodes}",
                *options,
                f"--output-file={subset}",
            ],
            check=True,
        )
        _rename(subset)
    return 0


def _rename(subset: Path) -> None:
    from fontTools.ttLib import TTFont  # type: ignore[import-not-found]  # needed by this script alone

    font = TTFont(subset)
    for record in font["name"].names:
        if record.nameID in _NAMES:
            record.string = "LLMNotebookMath" if record.nameID == 6 else "LLM Notebook Math"
    if "CFF " in font:
        font["CFF "].cff.fontNames = ["LLMNotebookMath"]
    font.flavor = "woff2"
    font.save(FONT)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
