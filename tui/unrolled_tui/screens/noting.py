"""What one takes along: bookmarks on timesteps, notes on units, and files of what is on show."""

import asyncio
from typing import TYPE_CHECKING

from unrolled import OptionError
from unrolled.files import check_ending, naming
from unrolled_tui.screens.moments import MomentsScreen
from unrolled_tui.tables import Table, as_csv, units_table

if TYPE_CHECKING:
    from unrolled_tui.screens.marks import Place


class NotingScreen(MomentsScreen):
    """A screen whose keys mark what is on show, and export it."""

    def table(self) -> Table:
        """What is on show, as a table."""
        return units_table(self.session.both[self.session.front])

    # Bookmarks and notes.

    def action_bookmark(self) -> None:
        """Marks the timestep on show, or takes its mark away."""
        session = self.session
        marks = session.notebook.marks.toggled(session.timestep)
        session.notebook = session.notebook.with_marks(marks)
        marked = session.timestep in marks.bookmarks
        self.tell("marked" if marked else "unmarked", f"t {session.t + 1:,}   (M lists all marks)")

    def action_next_bookmark(self) -> None:
        """The next bookmark, or the first one after the last."""
        t = self.session.notebook.marks.after(self.session.timestep)
        if t is None:
            self.tell("no marks", "m marks this timestep")
        else:
            self.action_go_to(self.session.view.row(t))

    def action_annotate(self) -> None:
        """Asks for a note on the selected unit."""
        from unrolled_tui.screens.note import NoteScreen  # noqa: PLC0415  # prompts are loaded when they are asked for

        session = self.session
        layer, unit = session.place, session.both[session.front].unit

        def note(answer: str | None) -> None:
            if answer is not None:
                session.notebook = session.notebook.with_marks(session.notebook.marks.noted(layer, unit, answer))
                self.changed()

        self.app.push_screen(NoteScreen(f"unit {unit + 1:,}", session.notebook.marks.note(layer, unit)), note)

    def action_marks(self) -> None:
        """Lists the bookmarks and notes, and goes to one."""
        from unrolled_tui.screens.marks import MarksScreen  # noqa: PLC0415  # prompts are loaded when they are asked for

        session = self.session

        def go(place: "Place | None") -> None:
            if place is not None and place.t is not None:
                self.action_go_to(place.t)
            elif place is not None:
                self.action_layer(place.layer)
                session.select(place.unit)
            self.front_changed()

        self.app.push_screen(MarksScreen(session), go)

    def front_changed(self) -> None:
        """Draws what the turn to another layer changes."""
        self.changed()

    def action_layer(self, place: int) -> None:
        """Turns to one of the layers on the screen."""
        self.session.front = place

    # Files.

    def action_export(self) -> None:
        """Asks for a file, and writes what the lens shows to it, or the screen as it was without the prompt."""
        from unrolled_tui.saving import save  # noqa: PLC0415  # prompts are loaded when they are asked for
        from unrolled_tui.screens.file_name import FileNameScreen  # noqa: PLC0415  # likewise

        if self.session.playing:
            self.action_play()
        self.draw()
        picture = self.app.export_screenshot(title="unrolled")

        async def attempt(path: str, replace: bool) -> None:
            with naming(path, OptionError):
                ending = check_ending(path, (".csv", ".svg"))
            content = picture.encode() if ending == ".svg" else await asyncio.to_thread(as_csv, self.table())
            await asyncio.to_thread(save, self.session, path, content, replace)

        def told(path: str | None) -> None:
            if path is not None:
                self.tell("written", path)

        question = "Export to: .csv has what the lens shows, .svg the screen"
        self.app.push_screen(FileNameScreen(question, "unrolled.svg", attempt), told)
