// Keyboard shortcuts: `keys` maps each key to its description and its function.

import { call, read } from "/frame.js";
import { byId, make } from "/parts.js";

let shortcuts = {};

export function wireKeys(keys) {
  shortcuts = keys;
  const entries = Object.entries(keys).flatMap(([key, [description]]) => [make("dt", {}, make("kbd", { textContent: key })), make("dd", { textContent: description })]);
  byId("key-list").replaceChildren(...entries);
  document.addEventListener("keydown", onKey);
}

export function onKey(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (isTyping(event.target)) return;
  const action = shortcuts[event.key];
  if (!action) return;
  event.preventDefault();
  action[1]();
}

// The target may be an element of the mail.
function isTyping(target) {
  const isElement = read(target, Node, "nodeType") === Node.ELEMENT_NODE;
  return isElement && call(target, Element, "closest", "input:not([type=radio], [type=checkbox]), select, textarea");
}
