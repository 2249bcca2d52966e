"""The screen of one who presents, for all who follow: one picture, and the same bytes to all. Begin with `podium`."""
