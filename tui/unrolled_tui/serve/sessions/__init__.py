"""A process for each session: the nursery forks it, and a relay carries its bytes."""
