// The row of a message in the inboxes of mail programs. The widths are typical for each program's list; the fonts
// are this machine's, so that the place of the cut differs by a few letters.

import { byId, make } from "/parts.js";

const CLIENTS = [
  ["Gmail, desktop", 760, "line"],
  ["Outlook, desktop", 320, "one"],
  ["Apple Mail, desktop", 330, "two"],
  ["Gmail, phone", 320, "one"],
  ["Apple Mail, phone", 375, "two"],
  ["Outlook, phone", 360, "one"],
];

export function showInbox({ sender, subject, preheader }) {
  const from = () => make("div", { className: "from", textContent: sender });
  byId("view-inbox").replaceChildren(
    ...CLIENTS.map(([name, width, kind]) => {
      const preview = (tag, lines = "") => make(tag, { className: `preview-text ${lines}`, textContent: preheader });
      const row =
        kind === "line"
          ? make("div", { className: "row line" }, from(), make("div", { className: "all" }, make("b", { textContent: subject }), " – ", preview("span")))
          : make("div", { className: "row" }, from(), make("div", { className: "subject", textContent: subject }), preview("div", kind === "two" ? "two" : ""));
      row.style.setProperty("--wide", `${width}px`);
      return make("section", { className: "client" }, make("h2", { textContent: name }), row);
    }),
  );
}
