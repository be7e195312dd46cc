"""Remote pictures that nobody sees, and what loads or runs unseen: each is an error of `tracking`."""

from dataclasses import replace

import pytest

from newsletter.checks.mail.tracking import tracking
from newsletter.checks.proof import Proof

SPY = "https://spy.example/p.gif"


def findings(clean: Proof, html: str) -> list[str]:
    changed = clean.rendered.html.replace("</body>", f"{html}</body>")
    proof = replace(clean, rendered=replace(clean.rendered, html=changed))
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
def test_what_a_template_loads_unseen(clean: Proof, html: str) -> None:
    assert findings(clean, html)


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
        '<meta http-equiv="X-UA-Compatible" content="IE=edge">',
        f'<style>@media (max-width:479px){{.w{{display:none}}}}</style><img class="w" src="{SPY}" alt="A" />',
    ],
)
def test_pictures_that_readers_see(clean: Proof, html: str) -> None:
    assert findings(clean, html) == []
