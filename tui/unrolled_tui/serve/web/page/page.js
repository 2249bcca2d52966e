// Prepares the page for textual-serve's terminal (static/js/textual.js), which begins at window.onload:
// where its websocket is, a font that is there before cells are measured, and why a session ended.
"use strict";

(() => {
  const terminal = document.getElementById("terminal");
  const said = document.getElementById("said");
  const again = document.getElementById("again");

  const socket = new URL("ws", location.href); // under whatever name and path this page was reached
  socket.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  terminal.dataset.sessionWebsocketUrl = socket.href;
  const size = parseInt(new URLSearchParams(location.search).get("fontsize"), 10) || 16;
  terminal.dataset.fontSize = Math.min(Math.max(size, 6), 64);

  window.WebSocket = class extends WebSocket {
    constructor(address) {
      super(address);
      this.addEventListener("open", () => terminal.querySelector("textarea").focus()); // keys go there without a click
      this.addEventListener("close", (event) => {
        said.textContent = event.reason || "The line to the server is broken.";
        setTimeout(() => again.focus(), 500); // not at once: a key meant for the app would press the button
      });
    }
  };
  again.addEventListener("click", () => location.reload());

  const begin = window.onload;
  window.onload = async (event) => {
    const faces = ["16px", "bold 16px", "italic 16px"].map((face) => document.fonts.load(`${face} "Roboto Mono"`));
    await Promise.allSettled(faces);
    begin(event);
  };
})();
