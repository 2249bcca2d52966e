"""Serves a Textual app to many, over SSH or in a browser. It knows nothing of what the app shows.

`nursery` forks a process for each session, `relay` carries its bytes, `ssh` and `web` let people in.
"""
