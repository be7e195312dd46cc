// The frame of a mail, or of a page of the archive. A new one is loaded in a hidden frame, scrolled to the old
// position, and then shown.

import { force } from "/forced.js";
import { call, read, rootOf, select } from "/frame.js";

// Without allow-scripts the mail runs no script, as in a mail program; allow-same-origin lets this page read its
// scroll position, and allow-popups lets its links open in new tabs.
const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";
const frames = document.getElementById("frames");
let frame = null;
let shown = null; // the name of what is in the frame
const positions = new Map(); // of all that was in the frame, by name

// Shows what is at an address. All versions of a mail or a page have the same name, and keep its scroll position.
export async function showInFrame(address, title, name, forced = "") {
  for (const unfinished of frames.querySelectorAll(".loading")) unfinished.remove();
  const next = await loaded(frames, address, title, forced);
  const before = frame;
  if (before) positions.set(shown, [before.contentWindow.scrollX, before.contentWindow.scrollY]);
  if (positions.has(name)) next.contentWindow.scrollTo(...positions.get(name));
  shown = name;
  const focused = document.activeElement === before;
  frame = next;
  next.classList.remove("loading");
  before?.remove();
  fit();
  if (focused) next.focus();
  return next;
}

export async function loaded(parent, address, title, forced = "") {
  const next = document.createElement("iframe");
  next.title = title;
  next.className = "loading";
  next.sandbox = SANDBOX;
  next.src = address;
  parent.append(next);
  await parsed(next);
  if (!next.isConnected) return next; // removed meanwhile, for another message
  // Without `href`, an element of SVG may have `xlink:href`.
  for (const link of select(next.contentDocument, "a, area")) {
    if (link.getAttribute("href")?.startsWith("#")) continue;
    link.setAttribute("target", "_blank");
    link.setAttribute("rel", "noopener noreferrer");
  }
  if (forced) force(next, forced);
  return next;
}

// The load event is not used: it waits for pictures, whose servers may be slow.
async function parsed(next) {
  const isParsed = () => {
    const mail = next.contentDocument;
    return !mail || (read(mail, Document, "URL") !== "about:blank" && read(mail, Document, "readyState") !== "loading");
  };
  while (next.isConnected && !isParsed()) await new Promise((resolve) => setTimeout(resolve, 4));
}

// In some browsers a scroll bar takes width from the mail: widen the window by it.
export function fit() {
  const mail = frame?.contentDocument;
  const bar = mail ? frame.contentWindow.innerWidth - rootOf(mail).clientWidth : 0;
  frames.parentElement.style.setProperty("--bar", `${bar}px`);
}

// Scrolls to the nth element of a tag and highlights it for a moment; scrolls to the top if it is not visible.
export function reveal({ tag, number }) {
  const mail = frame?.contentDocument;
  const element = mail && call(mail, Document, "getElementsByTagName", tag)[number];
  if (!element) return;
  const isVisible = call(element, Element, "checkVisibility") && call(element, Element, "getClientRects").length;
  if (!isVisible) return frame.contentWindow.scrollTo(0, 0);
  call(element, Element, "scrollIntoView", { block: "center" });
  const keyframes = [{ outline: "3px solid #c2571f", outlineOffset: "4px" }, { outline: "3px solid transparent", outlineOffset: "4px" }];
  call(element, Element, "animate", keyframes, 2400);
}

export function keysFrom(handler) {
  if (frame?.contentDocument) call(frame.contentDocument, EventTarget, "addEventListener", "keydown", handler);
}
