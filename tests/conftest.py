"""The same surroundings for every test, whatever this machine says of colours, themes, sizes, language and threads."""

import importlib
import os

from textual.app import App

_SETTINGS = (
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "ESCDELAY",
    "FORCE_COLOR",
    "LC_ALL",
    "LINES",
    "NO_COLOR",
    "TERM_PROGRAM",
)
_USUAL = {
    "TERM": "xterm-256color",
    "COLORTERM": "truecolor",
    "OPENBLAS_NUM_THREADS": "1",  # sums in one order, so the same last digits on every machine
}

for _name in tuple(os.environ):
    if _name in _SETTINGS or _name.startswith("TEXTUAL"):
        del os.environ[_name]
os.environ.update(_USUAL)

# The plugin for snapshots has imported Textual by now, which has read its settings already.
_constants = importlib.reload(importlib.import_module("textual.constants"))
App.theme._default = _constants.DEFAULT_THEME
