"""The SSH server, which gives what is served and nothing else. Begin with `server`."""
