// The mail in its frame: loaded behind the one that is there, scrolled to where that was, shown in one step.

import { force } from "/forced.js";

// Without allow-scripts the mail is as lifeless as in a mail program; allow-same-origin lets this page read
// where it is scrolled to, and popups are how its links open outside of it.
const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";
const frames = document.getElementById("frames");
let frame = null;
let place = { of: null, x: 0, y: 0 };

export async function showMail(address, forced, of) {
  for (const left of frames.querySelectorAll(".coming")) left.remove();
  const next = await loaded(frames, address, "The mail's HTML part", forced);
  const before = frame;
  if (before) place = { of: place.of, x: before.contentWindow.scrollX, y: before.contentWindow.scrollY };
  if (place.of === of) next.contentWindow.scrollTo(place.x, place.y);
  place.of = of;
  const focused = document.activeElement === before;
  frame = next;
  next.classList.remove("coming");
  before?.remove();
  fit();
  if (focused) next.focus();
}

export async function loaded(parent, address, title, forced = "") {
  const next = document.createElement("iframe");
  next.title = title;
  next.className = "coming";
  next.sandbox = SANDBOX;
  next.src = address;
  parent.append(next);
  await parsed(next);
  for (const link of next.contentDocument.links) {
    if (!link.getAttribute("href").startsWith("#")) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
  }
  if (forced) force(next.contentDocument, forced);
  return next;
}

// Not the load event: that waits for pictures, which come from elsewhere and may be slow.
async function parsed(next) {
  const there = () => next.contentDocument?.URL !== "about:blank" && next.contentDocument?.readyState !== "loading";
  while (next.isConnected && !there()) await new Promise((resolve) => setTimeout(resolve, 4));
}

// A scroll bar takes its place from the mail in some browsers, and none in others.
export function fit() {
  const root = frame?.contentDocument?.documentElement;
  const bar = root ? frame.contentWindow.innerWidth - root.clientWidth : 0;
  frames.parentElement.style.setProperty("--bar", `${bar}px`);
}

// Scrolls to the nth element of a name and marks it for a moment; to the top where nobody sees it.
export function reveal({ tag, number }) {
  const element = frame?.contentDocument?.getElementsByTagName(tag)[number];
  if (!element) return;
  if (!element.checkVisibility() || !element.getClientRects().length) return frame.contentWindow.scrollTo(0, 0);
  element.scrollIntoView({ block: "center" });
  element.animate([{ outline: "3px solid #c2571f", outlineOffset: "4px" }, { outline: "3px solid transparent", outlineOffset: "4px" }], 2400);
}

export function keysFrom(handler) {
  frame?.contentDocument?.addEventListener("keydown", handler);
}
