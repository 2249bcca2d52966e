"""The commands, one file each, and what they share."""

COMMANDS = {
    "summary": "Count the parameters, per gate and matrix.",
    "trace": "Run without a screen, and write every gate at every step.",
    "verify": "Say whether a model's numbers agree with the framework's own.",
    "screenshot": "Draw one screen as SVG, without a terminal.",
    "serve": "Give the stepper to a class, over SSH or in a browser.",
}
"""What each command but the stepper is for. Each has a module of its name here."""
