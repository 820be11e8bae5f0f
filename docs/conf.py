"""How docs/ becomes pages: ``python -m sphinx -W -n docs build/docs``, after ``pip install .[docs]``."""

project = "streamchat"
extensions = ["myst_parser"]
# A link to a heading that is not there is a warning, and a warning fails the build.
myst_heading_anchors = 4
html_theme = "furo"
html_title = "streamchat"
html_favicon = "../web/icon.svg"
html_copy_source = False
html_show_copyright = False
# Diagrams and lines of a log are no language.
highlight_language = "text"
