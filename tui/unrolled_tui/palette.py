"""What a role looks like: one hue per gate everywhere, from the colour-blind-safe palette of Okabe and Ito (2008).

Gates that do the same in different cells share a hue: f and z keep what was, i and r let something in, g and n are the
candidates.

Four versions of it: for a dark and for a light background, in the terminal's own 16 colours (named, as the nearest of
16 would make f and c the same), and without colour. Sign, state and selection are shown by shape and place too, so that
the last loses nothing.
"""

from functools import cache

from rich.style import Style

DARK = {
    "": "#e4e4e4",
    "dim": "#8c8c8c",
    "faint": "#5a5a5a",
    "strong": "bold #ffffff",
    "title": "bold #ffffff",
    "mark": "bold #f0e442",
    "frame": "#5a5a5a",
    "frame on": "bold #f0e442",
    "key": "bold #f0e442",
    "warning": "bold #f0e442",
    "i": "#2fbf94",
    "f": "#e8702a",
    "g": "#56b4e9",
    "o": "#e69f00",
    "c": "#d98cb3",
    "h": "#ffffff",
    "z": "#e8702a",
    "r": "#2fbf94",
    "n": "#56b4e9",
    "m": "#d8d8d8",
    "on": "bold #121212 on #f0e442",
    "+1": "#a9c9e8 on #16222e",
    "+2": "#c4dcf2 on #1d3b57",
    "+3": "#e2effa on #235683",
    "+4": "#ffffff on #2b78b8",
    "-1": "#e8c3a9 on #2e1d14",
    "-2": "#f2d4c0 on #573219",
    "-3": "#fae6da on #86481b",
    "-4": "#ffffff on #bb5f18",
}
LIGHT = {
    "": "#202020",
    "dim": "#6a6a6a",
    "faint": "#a8a8a8",
    "strong": "bold #000000",
    "title": "bold #000000",
    "mark": "bold #9c2f00",
    "frame": "#a8a8a8",
    "frame on": "bold #9c2f00",
    "key": "bold #9c2f00",
    "warning": "bold #9c2f00",
    "i": "#00735a",
    "f": "#b84a00",
    "g": "#0072b2",
    "o": "#8f6400",
    "c": "#a04a7d",
    "h": "#000000",
    "z": "#b84a00",
    "r": "#00735a",
    "n": "#0072b2",
    "m": "#383838",
    "on": "bold #ffffff on #9c2f00",
    "+1": "#20405c on #e3edf6",
    "+2": "#173652 on #bcd7ee",
    "+3": "#0c2a45 on #8dbbe2",
    "+4": "#001a30 on #5a9bd2",
    "-1": "#5c3a20 on #f8ebe1",
    "-2": "#523017 on #f2d3b9",
    "-3": "#45250c on #e9b385",
    "-4": "#301600 on #dd8f4d",
}


def _ramp(role: str, low: str, high: str) -> dict[str, str]:
    """Eight levels of a map from the colour `low` to `high`: the character shows a little, where its level goes on."""
    ends = [[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in (low, high)]

    def mixed(share: float) -> str:
        return "#" + "".join(f"{round(one + (other - one) * share):02x}" for one, other in zip(*ends, strict=True))

    return {f"{role}{level}": f"{mixed(min(1, level / 7))} on {mixed((level - 1) / 7)}" for level in range(1, 9)}


DARK |= _ramp("heat+", "#14212e", "#56b4e9") | _ramp("heat-", "#2e1c12", "#f0803c")
LIGHT |= _ramp("heat+", "#cddbe8", "#0072b2") | _ramp("heat-", "#ead3c4", "#b84a00")
SIXTEEN = {
    "": "default",
    "dim": "dim",
    "faint": "dim",
    "strong": "bold",
    "title": "bold",
    "mark": "bold",
    "frame": "dim",
    "frame on": "bold",
    "key": "bold",
    "warning": "bold",
    "i": "green",
    "f": "red",
    "g": "cyan",
    "o": "yellow",
    "c": "magenta",
    "h": "default",
    "z": "red",
    "r": "green",
    "n": "cyan",
    "m": "default",
    "on": "reverse",
    **dict.fromkeys(("+1", "+2", "+3", "+4"), "cyan"),
    **dict.fromkeys(("-1", "-2", "-3", "-4"), "red"),
    **{f"heat+{level}": "cyan" for level in range(1, 9)},
    **{f"heat-{level}": "red" for level in range(1, 9)},
}
PLAIN = {role: look if look in ("bold", "dim", "reverse") else "" for role, look in SIXTEEN.items()}

TRUECOLOR = ("dark", "light")
"""The palettes whose colours go out as they are."""

PALETTES = {"dark": DARK, "light": LIGHT, "16": SIXTEEN, "plain": PLAIN}


@cache
def style(palette: str, role: str) -> Style:
    """The look of `role`, which inherits its background."""
    return Style.parse(PALETTES[palette][role])
