"""The web server: a page with a terminal, and a login before it. Begin with `pages`."""
