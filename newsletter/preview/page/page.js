// Shows what the server has built, and again whenever it says that there is something else to show.

const byId = (id) => document.getElementById(id);

// Without allow-scripts the mail is as lifeless as in a mail program; allow-same-origin lets this page read
// where it is scrolled to, and popups are how its links open outside of it.
const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";

let shown = null; // the version in the page
let mailOf = null; // the issue whose mail is in the page
let frame = null;
let state = null;
let updated = ""; // when the page came to show this version

function say(name, words) {
  document.body.dataset.state = name;
  if (byId("state").textContent !== words) byId("state").textContent = words;
}

function sayState() {
  if (!state) return;
  const count = state.problems.length;
  if (state.state === "live") say("live", `Live, updated ${updated}`);
  else say("error", count === 1 ? "Error: 1 problem" : `Error: ${count} problems`);
}

function showFacts() {
  const same = state.issue === mailOf;
  byId("issue").textContent = state.issue || "–";
  document.title = `${state.state === "live" ? "" : "Error: "}${state.subject || state.issue || "Preview"}`;
  if (state.state === "error" && same) return; // the strip goes on describing the mail that is still there
  byId("subject").textContent = state.subject || "No mail to show yet";
  byId("preheader").textContent = state.preheader;
  byId("weight").textContent = state.weight ? `${(state.weight / 1000).toFixed(1)} KB` : "–";
}

function showProblems() {
  const entries = state.problems.map((problem) => {
    const entry = byId("problem").content.cloneNode(true);
    entry.querySelector(".where").textContent = problem.where;
    for (const part of ["what", "fix"]) entry.querySelector(`.${part}`).append(...withCode(problem[part]));
    return entry;
  });
  byId("problem-list").replaceChildren(...entries);
  const count = entries.length;
  byId("problems-title").textContent = count === 1 ? "1 problem" : `${count} problems`;
  byId("problems").hidden = count === 0;
  byId("mail").inert = count > 0;
}

// "add `link:`" as text and code elements; what has no pair of backticks stays as it is.
function withCode(words) {
  return words.split(/`([^`\n]+)`/).map((piece, place) => {
    if (place % 2 === 0) return piece;
    return Object.assign(document.createElement("code"), { textContent: piece });
  });
}

async function showMail() {
  const [text, next] = await Promise.all([get("/mail.txt").then((answer) => answer.text()), load()]);
  byId("text").textContent = text;
  const before = frame;
  frame = next;
  if (before && state.issue === mailOf) {
    const { scrollX, scrollY } = before.contentWindow;
    next.contentWindow.scrollTo(scrollX, scrollY);
  } else {
    byId("text").scrollTo(0, 0);
  }
  const focused = document.activeElement === before;
  next.classList.remove("coming");
  before?.remove();
  if (focused) next.focus();
  mailOf = state.issue;
  document.body.dataset.mail = "shown";
}

// The next mail loads behind the one that is there, so that nothing flashes.
async function load() {
  const next = document.createElement("iframe");
  next.title = "The mail's HTML part";
  next.className = "coming";
  next.sandbox = SANDBOX;
  next.src = `/mail.html?${state.version}`;
  byId("frames").append(next);
  await parsed(next);
  for (const link of next.contentDocument.links) {
    if (!link.getAttribute("href").startsWith("#")) Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
  }
  return next;
}

// Not the load event: that waits for pictures, which come from elsewhere and may be slow.
async function parsed(next) {
  const there = () => next.contentDocument?.URL !== "about:blank" && next.contentDocument?.readyState !== "loading";
  while (!there()) await new Promise((resolve) => setTimeout(resolve, 8));
}

function dropComing() {
  for (const left of document.querySelectorAll(".coming")) left.remove();
}

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

async function show() {
  state = await (await get("/state")).json();
  if (state.state === "live") await showMail();
  else if (state.issue !== mailOf) document.body.dataset.mail = "none";
  showFacts();
  showProblems();
  updated = new Date().toLocaleTimeString();
  sayState();
  shown = state.version;
}

// One after the other; what a later event has made stale is made good by that event.
let queue = Promise.resolve();
function update(version) {
  queue = queue.then(() => (version === shown ? sayState() : show())).catch(dropComing);
}

let events = null;
function connect() {
  events = new EventSource("/events");
  for (const name of ["shown", "changed"]) events.addEventListener(name, (event) => update(event.data));
  events.onerror = () => say("lost", "Not connected");
}

function disconnect() {
  events?.close();
  events = null;
}

// A browser keeps six connections to a server; tabs that nobody sees give theirs up, and catch up later.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) disconnect();
  else if (!events) connect();
});
document.body.dataset.mail = "none";
connect();
