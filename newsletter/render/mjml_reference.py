"""The attributes of MJML and their types, as in npm's mjml 4.18 and 5.4; a test compares them with 5.4."""

from collections.abc import Mapping

_PADDING = "padding padding-bottom padding-left padding-right padding-top"
_BORDER = "border border-bottom border-left border-radius border-right border-top"
_FONT = "color font-family font-size font-style font-weight text-decoration"
_LETTERS = f"{_FONT} letter-spacing line-height text-transform"
_LINK = "href rel target title"
_ICONS = (
    "border font-family icon-align icon-height icon-position icon-unwrapped-alt icon-unwrapped-url "
    "icon-width icon-wrapped-alt icon-wrapped-url"
)
_SECTION = (
    f"background-color background-position background-position-x background-position-y background-repeat "
    f"background-size background-url direction full-width text-align {_PADDING} {_BORDER}"
)
# The attributes of each component that can stand in <mj-body>.
_IN_BODY: Mapping[str, frozenset[str]] = {
    tag: frozenset(f"css-class mj-class {names}".split())
    for tag, names in {
        "mj-body": "background-color width",
        "mj-wrapper": _SECTION,
        "mj-section": _SECTION,
        "mj-hero": "background-color background-height background-position background-url background-width "
        "height inner-background-color inner-padding inner-padding-bottom inner-padding-left "
        f"inner-padding-right inner-padding-top vertical-align {_PADDING}",
        "mj-group": "background-color direction vertical-align width",
        "mj-column": "background-color direction inner-background-color inner-border inner-border-bottom "
        "inner-border-left inner-border-radius inner-border-right inner-border-top vertical-align width "
        f"{_PADDING} {_BORDER}",
        "mj-accordion": f"container-background-color {_ICONS} {_PADDING}",
        "mj-accordion-element": f"background-color {_ICONS}",
        "mj-accordion-title": f"background-color color font-family font-size {_PADDING}",
        "mj-accordion-text": "background-color color font-family font-size font-weight letter-spacing "
        f"line-height {_PADDING}",
        "mj-button": "align background-color container-background-color height href inner-padding name rel "
        f"target text-align vertical-align width {_LETTERS} {_PADDING} {_BORDER}",
        "mj-carousel": "align border-radius container-background-color icon-width left-icon right-icon "
        "tb-border tb-border-radius tb-hover-border-color tb-selected-border-color tb-width thumbnails "
        f"{_PADDING}",
        "mj-carousel-image": f"alt border-radius src tb-border tb-border-radius thumbnails-src {_LINK}",
        "mj-divider": "align border-color border-style border-width container-background-color width "
        f"{_PADDING}",
        "mj-image": "align alt border border-left border-radius border-right container-background-color "
        f"fluid-on-mobile font-size height max-height name src srcset usemap width {_LINK} {_PADDING}",
        "mj-navbar": "align base-url hamburger ico-align ico-close ico-color ico-font-family ico-font-size "
        "ico-line-height ico-open ico-padding ico-padding-bottom ico-padding-left ico-padding-right "
        f"ico-padding-top ico-text-decoration ico-text-transform {_PADDING}",
        "mj-navbar-link": f"href name rel target {_LETTERS} {_PADDING}",
        "mj-social": "align border-radius container-background-color icon-height icon-padding icon-size "
        f"inner-padding line-height mode text-padding vertical-align {_FONT} {_PADDING}",
        "mj-social-element": "align alt background-color border-radius icon-height icon-padding icon-size "
        f"line-height name src text-padding vertical-align {_FONT} {_LINK} {_PADDING}",
        "mj-spacer": f"container-background-color height {_PADDING}",
        "mj-table": "align border cellpadding cellspacing color container-background-color font-family "
        f"font-size line-height table-layout vertical-align width {_PADDING}",
        "mj-text": f"align container-background-color height vertical-align {_LETTERS} {_PADDING}",
    }.items()
}
_ANY = frozenset().union(*_IN_BODY.values()) - {"mj-class"}
# The components whose attributes <mj-attributes> can set; mrml ignores it for <mj-body>.
WITH_DEFAULTS = frozenset(_IN_BODY) - {"mj-body"}
# All attributes that have an effect.
EFFECTIVE: Mapping[str, frozenset[str]] = {
    **_IN_BODY,
    "mjml": frozenset({"dir", "lang"}),
    "mj-all": _ANY,
    "mj-breakpoint": frozenset({"width"}),
    "mj-class": _ANY | {"name"},
    "mj-font": frozenset({"href", "name"}),
    "mj-style": frozenset({"inline"}),
}
# The attributes that MJML has and mrml 6.0.1 ignores.
IGNORED: Mapping[str, frozenset[str]] = {
    tag: frozenset(names.split())
    for tag, names in {
        "mjml": "owa",
        "mj-accordion-title": "font-weight",
        "mj-body": "id",
        "mj-button": "title",
        "mj-hero": "border-radius container-background-color mode",
        "mj-image": "border-bottom border-top sizes",
        "mj-raw": "position",
        "mj-section": "gutter text-padding",
        "mj-social": "border table-layout",
        "mj-social-element": "border icon-position sizes srcset",
        "mj-spacer": "border border-bottom border-left border-right border-top",
        "mj-table": "font-weight role",
        "mj-text": "background-color",
        "mj-wrapper": "gap gutter text-padding",
    }.items()
}
# The type of each attribute, in MJML's notation. An attribute that is missing here can be any text.
_TYPES: Mapping[str, str] = {
    name: kind
    for kind, names in {
        "color": "background-color border-color color container-background-color ico-color "
        "inner-background-color tb-hover-border-color tb-selected-border-color",
        "unit(px)": "border-width font-size",
        "unit(px,%)": "background-height background-width height ico-font-size ico-padding-bottom "
        "ico-padding-left ico-padding-right ico-padding-top icon-height icon-size icon-width "
        "inner-padding-bottom inner-padding-left inner-padding-right inner-padding-top max-height "
        "padding-bottom padding-left padding-right padding-top tb-width width",
        "unit(px,%){1,4}": "ico-padding icon-padding inner-padding padding text-padding",
        "unit(px,%,)": "ico-line-height line-height",
        "unitWithNegative(px,em)": "letter-spacing",
        "enum(left,center,right)": "align ico-align text-align",
        "enum(top,middle,bottom)": "icon-align vertical-align",
        "enum(left,right)": "icon-position",
        "enum(ltr,rtl)": "direction",
        "enum(repeat,no-repeat)": "background-repeat",
        "enum(full-width,false,)": "full-width",
        "enum(visible,hidden,supported)": "thumbnails",
        "enum(inline)": "inline",
        "boolean": "fluid-on-mobile",
        "integer": "cellpadding cellspacing",
    }.items()
    for name in names.split()
}
# The types that differ from those of the same attribute of other components.
_TYPES_OF: Mapping[tuple[str, str], str] = {
    ("mj-body", "width"): "unit(px)",
    ("mj-breakpoint", "width"): "unit(px)",
    ("mj-image", "height"): "unit(px,auto)",
    ("mj-image", "width"): "unit(px)",
    ("mj-social", "mode"): "enum(horizontal,vertical)",
    ("mj-table", "table-layout"): "enum(auto,fixed,initial,inherit)",
    ("mj-table", "width"): "unit(px,%,auto)",
    ("mj-text", "align"): "enum(left,center,right,justify)",
    # Values for several components, each of which may have another type.
    **{(tag, "align"): "enum(left,center,right,justify)" for tag in ("mj-all", "mj-class")},
    **{(tag, "height"): "unit(px,%,auto)" for tag in ("mj-all", "mj-class")},
    **{(tag, "width"): "unit(px,%,auto)" for tag in ("mj-all", "mj-class")},
}
_COLOUR_NAMES = (
    "aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown "
    "burlywood cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan "
    "darkgoldenrod darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid "
    "darkred darksalmon darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet "
    "deeppink deepskyblue dimgray dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro "
    "ghostwhite gold goldenrod gray green greenyellow grey honeydew hotpink indianred indigo inherit ivory "
    "khaki lavender lavenderblush lawngreen lemonchiffon lightblue lightcoral lightcyan lightgoldenrodyellow "
    "lightgray lightgreen lightgrey lightpink lightsalmon lightseagreen lightskyblue lightslategray "
    "lightslategrey lightsteelblue lightyellow lime limegreen linen magenta maroon mediumaquamarine "
    "mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen mediumturquoise "
    "mediumvioletred midnightblue mintcream mistyrose moccasin navajowhite navy oldlace olive olivedrab "
    "orange orangered orchid palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru "
    "pink plum powderblue purple rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown "
    "seagreen seashell sienna silver skyblue slateblue slategray slategrey snow springgreen steelblue tan "
    "teal thistle tomato transparent turquoise violet wheat white whitesmoke yellow yellowgreen"
)
COLOURS = frozenset(_COLOUR_NAMES.split())


def type_of(tag: str, name: str) -> str:
    """Return the type of a component's attribute in MJML's notation; "string" for any text."""
    return _TYPES_OF.get((tag, name)) or _TYPES.get(name, "string")
