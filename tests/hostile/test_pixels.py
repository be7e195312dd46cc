"""Remote pictures that nobody sees, and what loads or runs unseen: each is an error of `tracking`."""

from dataclasses import replace

import pytest

from newsletter.checks.mail.tracking import tracking
from newsletter.checks.proof import Proof

SPY = "https://spy.example/p.gif"


def findings(mail: Proof, html: str) -> list[str]:
    changed = mail.rendered.html.replace("</body>", f"{html}</body>")
    proof = replace(mail, rendered=replace(mail.rendered, html=changed))
    proof.locator.paused = True
    return [problem.what for problem in tracking(proof)]


@pytest.mark.parametrize(
    "html",
    [
        f'<img src="{SPY}" width="1px" height="1px" alt="A" />',
        f'<img src="{SPY}" width="0%" alt="A" />',
        f'<img src="{SPY}" style="width:0.01em" alt="A" />',
        f'<img src="{SPY}" style="width:1px;height:1px" width="100" alt="A" />',
        f'<img src="{SPY}" style="max-width:1px" width="100" alt="A" />',
        f'<style>.zz{{width:1px !important}}</style><img src="{SPY}" class="zz" width="100" alt="A" />',
        f'<style>@media (hover){{.z{{width:1px}}}}</style><img class="z" src="{SPY}" alt="A" />',
        f'<img src="{SPY}" style="opacity:0" width="100" alt="A" />',
        f'<div style="display:none"><img src="{SPY}" width="100" alt="A" /></div>',
        f'<div hidden><img src="{SPY}" width="100" alt="A" /></div>',
        f'<img src="{SPY}" style="width:calc(1px)" alt="A" />',
        f'<img src="{SPY}" style="width:var(--x)" alt="A" />',
        f'<img src="{SPY}" style="height:clamp(0px,1px,2px)" alt="A" />',
        f'<img src="{SPY}" width="0x1" height="100" alt="A" />',
        f'<img src="{SPY}" width="1abc" height="100" alt="A" />',
        f'<img src="{SPY}" width=" +1" height="100" alt="A" />',
        f'<img src="{SPY}" width="1.9e9" height="100" alt="A" />',
        f'<img src="{SPY}" style="clip-path:inset(100%)" width="100" alt="A" />',
        f'<img src="{SPY}" style="clip:rect(0,0,0,0);position:absolute" width="100" alt="A" />',
        f'<img src="{SPY}" style="position:absolute;left:-9999px" width="100" alt="A" />',
        f'<img src="{SPY}" style="position:fixed;inset:0 0 0 -900px" width="100" alt="A" />',
        f'<img src="{SPY}" style="margin-left:-9999px" width="100" alt="A" />',
        f'<img src="{SPY}" style="margin-top:9999px" width="100" alt="A" />',
        f'<div style="text-indent:-9999px"><img src="{SPY}" width="100" alt="A" /></div>',
        f'<div style="transform:translateX(-9999px)"><img src="{SPY}" width="100" alt="A" /></div>',
        f'<img src="{SPY}" style="transform:scale(0)" width="100" alt="A" />',
        f'<img src="{SPY}" style="object-position:-9999px 0" width="100" alt="A" />',
        f'<img src="{SPY}" style="filter:opacity(0)" width="100" alt="A" />',
        f'<img src="{SPY}" style="opacity:calc(0)" width="100" alt="A" />',
        f'<div style="width:0;overflow:hidden"><img src="{SPY}" width="100" alt="A" /></div>',
        f'<div style="max-height:0;overflow:hidden"><img src="{SPY}" width="100" alt="A" /></div>',
        f'<div style="height:calc(1px);overflow:clip"><img src="{SPY}" width="100" alt="A" /></div>',
        f'<div style="width:0"><img src="{SPY}" style="width:100%" alt="A" /></div>',
        f'<div style="width:5%"><div style="width:5%"><img src="{SPY}" width="5%" alt="A" /></div></div>',
        f'<table width="1"><tr><td><img src="{SPY}" style="max-width:100%" alt="A" /></td></tr></table>',
        f'<div style="font-size:0"><img src="{SPY}" style="width:9em" alt="A" /></div>',
        f'<img src="{SPY}" style="aspect-ratio:1000/1;width:100px" alt="A" />',
        f'<img src="{SPY}" style="padding:50px;box-sizing:border-box" width="100" alt="A" />',
        f'<img src="{SPY}" style="border:50px solid;box-sizing:border-box" width="100" alt="A" />',
        f'<div style="padding-left:9999px"><img src="{SPY}" width="100" alt="A" /></div>',
        f'<img src="{SPY}" style="border-width:0 50px;box-sizing:border-box" width="100" alt="A" />',
        "<style>.z{display:none}@media (width:375px),(width:720px){.z{display:inline}}</style>"
        f'<img src="{SPY}" class="z" width="100" alt="A" />',
        f'<table width="{"9" * 400}"><tr><td style="width:0%;overflow:hidden"><img src="{SPY}" alt="A" />',
        f'<img src="{SPY}" style="width:{"(" * 3000}" alt="A" />',
        f'<img src="{SPY}" style="width:{"9" * 5000}px" alt="A" />',
        '<div style="margin-left:-39px">' * 9 + f'<img src="{SPY}" width="100" alt="A" />',
        '<i style="opacity:0.3">' * 3 + f'<img src="{SPY}" width="100" alt="A" />',
        f'<noscript><img src="{SPY}" width="100" alt="A" /></noscript>',
        f'<details><img src="{SPY}" width="100" alt="A" /></details>',
        f'<div popover><img src="{SPY}" width="100" alt="A" /></div>',
        f'<style>@media (hover){{.z{{display:none}}}}</style><img class="z" src="{SPY}" width="9" alt="A" />',
        f'<style>.z:not(.q){{left:-99em}}</style><img class="z" src="{SPY}" width="9" alt="A" />',
        f'<table background="{SPY}" style="display:none"><tr><td>A</td></tr></table>',
        f'<div style="max-height:0;overflow:hidden"><table background="{SPY}"></table></div>',
        f'<div hidden style="background:url({SPY})"></div>',
        f'<div style="display:none"><p style="background-image:url({SPY})">A</p></div>',
        f'<!--[if mso]><p style="display:none"><v:rect><v:fill src="{SPY}" /></v:rect></p><![endif]-->',
        f'<!--[if mso]><v:rect style="width:1px"><v:fill src="{SPY}" /></v:rect><![endif]-->',
        f'<!--[if mso]><v:rect><v:fill src="{SPY}" opacity="0" /></v:rect><![endif]-->',
        f'<!--[if mso]><v:image src="{SPY}" style="width:0;height:0" /><![endif]-->',
        f'<div style="display:none"><video src="{SPY}" controls></video></div>',
        f'<video poster="{SPY}" width="1" height="1"></video>',
        f'<div hidden><video><source src="{SPY}"></video></div>',
        f'<audio src="{SPY}" autoplay></audio>',
        '<meta http-equiv="refresh" content="0;url=https://spy.example/">',
        '<meta http-equiv="Content-Security-Policy" content="report-uri https://spy.example/">',
        f'<image src="{SPY}" />',
        f'<bgsound src="{SPY}">',
        f'<portal src="{SPY}"></portal>',
        f'<img dynsrc="{SPY}" width="100" alt="A" />',
        f'<img lowsrc="{SPY}" width="100" alt="A" />',
        f'<picture><source srcset="{SPY}"><img src="a.png" width="1" alt="A" /></picture>',
        f'<div v:background="{SPY}"></div>',
        f'<frame src="{SPY}">',
        "<applet></applet>",
        f'<svg><image href="{SPY}" /></svg>',
        f'<svg><use href="{SPY}#a" /></svg>',
        f'<svg><filter><feImage href="{SPY}" /></filter></svg>',
        '<details ontoggle="a()" open>a</details>',
        '<img src="x" ONERROR="a()" width="100" alt="A" />',
        '<math href="javascript:a()">a</math>',
        '<a xlink:href=" java&#10;script:a()">a</a>',
    ],
)
def test_what_a_template_loads_unseen(footer: Proof, html: str) -> None:
    assert findings(footer, html)


def test_the_mail_alone_is_no_finding(footer: Proof) -> None:
    assert findings(footer, "") == []


@pytest.mark.parametrize(
    "html",
    [
        f'<img src="{SPY}" width="100" alt="A bowl" />',
        f'<img src="{SPY}" style="width:100%;max-width:600px;height:auto" alt="A bowl" />',
        f'<picture><source srcset="{SPY}" media="(width: 9em)"><img src="a.png" alt="A" /></picture>',
        f'<video poster="{SPY}" controls></video>',  # the check `clients` warns of it
        '<svg width="20" height="20"><path d="M0 0h20v20z" /></svg>',
        f'<table background="{SPY}" width="600"><tr><td>Soup</td></tr></table>',
        f'<!--[if mso]><v:rect><v:fill src="{SPY}" /></v:rect><![endif]-->',
        f'<img src="{SPY}" style="width:calc(100% - 20px);max-width:min(100%, 600px)" alt="A" />',
        f'<img src="{SPY}" style="display:block;height:auto;max-width:100vw;border-radius:50%" alt="A" />',
        f'<img src="{SPY}" style="width:24px;height:24px;margin:-8px 0 0 4px" alt="A" />',
        f'<img src="{SPY}" width="100" style="mso-hide:all" aria-hidden="true" alt="" />',
        f'<div style="width:40px;height:40px;overflow:hidden"><img src="{SPY}" width="40" alt="A" /></div>',
        f'<div style="font-size:0;line-height:0"><img src="{SPY}" width="40" alt="A" /></div>',
        f'<table width="100%"><tr><td width="1%"><img src="{SPY}" width="90" alt="A" /></td></tr></table>',
        f'<table><tr><td background="{SPY}" height="1" style="overflow:visible">Soup</td></tr></table>',
        f'<!--[if mso]><v:rect style="position:absolute"><v:fill src="{SPY}" /></v:rect><![endif]-->',
        f'<img src="{SPY}" style="box-sizing:border-box;border:1px solid #ccc;padding:0" alt="A" />',
        f'<img src="{SPY}" style="box-sizing:border-box;border:#ccc solid 1px;padding:0 auto" alt="A" />',
        f'<img src="{SPY}" style="width:100%;aspect-ratio:1200 / 630;padding:10px" alt="A" />',
        f'<div style="padding:120px 24px 60px"><img src="{SPY}" width="100" alt="A" /></div>',
        f'<div style="max-height:0;position:relative"><img src="{SPY}" width="80" alt="A" /></div>',
        f'<video controls width="320"><source src="{SPY}"><track src="{SPY}"></video>',
        f'<audio src="{SPY}" controls></audio>',
        f'<style>.a:hover .z{{display:none}}</style><p class="a"><img class="z" src="{SPY}" alt="A" />',
        f'<style>u + .body .z, [data-ogsc] .z{{display:none}}</style><img class="z" src="{SPY}" alt="A" />',
        f"<style>.d{{display:none}}@media (prefers-color-scheme:dark){{.d{{display:block}}}}</style>"
        f'<img class="d" src="{SPY}" alt="A" />',
        '<meta http-equiv="X-UA-Compatible" content="IE=edge">',
        f'<style>@media (max-width:479px){{.w{{display:none}}}}</style><img class="w" src="{SPY}" alt="A" />',
    ],
)
def test_pictures_that_readers_see(clean: Proof, html: str) -> None:
    assert findings(clean, html) == []
