"""Serves a Textual app to many, over SSH or in a browser. It knows nothing of what the app shows.

`sessions` forks a process for each one and carries its bytes, `ssh` and `web` let people in, and `following` shows
them the screen of one who presents. The modules here are the words that these have in common.
"""
