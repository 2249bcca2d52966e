"""Pure functions from values to lines of text. They know no Textual, keep nothing, and are tested by value."""
