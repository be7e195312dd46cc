// What inboxes show of a message before it is opened. The widths are about those of each program's list on a
// common screen; fonts are this machine's, so that where exactly it is cut differs by a few letters.

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
    ...CLIENTS.map(([name, wide, kind]) => {
      const behind = (tag, more = "") => make(tag, { className: `behind ${more}`, textContent: preheader });
      const row =
        kind === "line"
          ? make("div", { className: "row line" }, from(), make("div", { className: "all" }, make("b", { textContent: subject }), " – ", behind("span")))
          : make("div", { className: "row" }, from(), make("div", { className: "subject", textContent: subject }), behind("div", kind === "two" ? "two" : ""));
      row.style.setProperty("--wide", `${wide}px`);
      return make("section", { className: "client" }, make("h2", { textContent: name }), row);
    }),
  );
}
