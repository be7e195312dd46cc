// The workshop: what is chosen stands in the address, what is shown follows from it and from the server's news.

import { byId, get, headerList, make, problemEntry } from "/parts.js";
import { keysFrom, reveal, showMail } from "/mail.js";
import { showInbox } from "/inbox.js";
import { showOutbox } from "/outbox.js";

const DEFAULTS = { issue: "", view: "mail", width: "640", scheme: "light", pictures: "", address: "", name: "" };
const LEAST = 280, MOST = 900;
const chosen = { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(location.search)) };

let state = null; // the issue as the server has told of it last
let checked = null;
let issues = [];
let shownMail = ""; // the address of the mail in the frame
let problemAt = -1;

const mailAddress = (path, more = {}) => {
  const asked = new URLSearchParams({ issue: chosen.issue, address: chosen.address, name: chosen.name, v: state?.mail ?? "", ...more });
  return `${path}?${asked}`;
};

function choose(changes) {
  const before = chosen.issue;
  Object.assign(chosen, changes);
  keepAddress();
  showChoices();
  if (chosen.issue !== before) {
    state = checked = null;
    connect();
  } else refresh();
}

// Dragging chooses a width at every step, and browsers refuse to have their address changed that often.
let keeping = 0;
function keepAddress() {
  clearTimeout(keeping);
  keeping = setTimeout(() => {
    const kept = Object.entries(chosen).filter(([key, value]) => key in DEFAULTS && value && value !== DEFAULTS[key]);
    history.replaceState(null, "", `?${new URLSearchParams(kept)}`);
  }, 80);
}

function showChoices() {
  document.body.dataset.view = chosen.view;
  for (const input of document.querySelectorAll("[name=view]")) input.checked = input.value === chosen.view;
  for (const input of document.querySelectorAll("[name=preset]")) input.checked = input.value === chosen.width;
  byId("scheme").value = chosen.scheme;
  byId("pictures").checked = chosen.pictures === "on";
  byId("reader").textContent = chosen.name || chosen.address || "a reader";
  const width = Math.min(MOST, Math.max(LEAST, Number(chosen.width) || 640));
  byId("window").style.width = `${width}px`;
  byId("window-size").textContent = `${width} pixels wide`;
  byId("handle").setAttribute("aria-valuenow", width);
  showIssues();
}

// What is seen now is brought up to date; one after the other, and what is stale by then is passed over.
let queue = Promise.resolve();
function refresh(saved = 0) {
  queue = queue.then(() => show(saved)).catch((failure) => console.warn(String(failure)));
}

async function show(saved) {
  document.body.dataset.mail = state?.mail ? "shown" : "none";
  if (chosen.view === "outbox") return showOutbox();
  if (!state?.mail) return;
  if (chosen.view === "text") byId("view-text").textContent = await (await get(mailAddress("/mail.txt"))).text();
  if (chosen.view === "inbox") showInbox(state);
  if (chosen.view === "headers") await showHeaders();
  if (chosen.view === "source") await showSource();
  if (chosen.view === "mail") {
    const forced = chosen.scheme === "inverted" || chosen.scheme === "outlook" ? chosen.scheme : "";
    const address = mailAddress("/mail.html", { scheme: chosen.scheme === "dark" ? "dark" : "light", pictures: chosen.pictures });
    if (`${address} ${forced}` === shownMail) return;
    await showMail(address, forced, state.issue);
    shownMail = `${address} ${forced}`;
    keysFrom(onKey);
  }
  if (saved) painted(saved);
}

// From the moment the file was saved until its mail is on the screen.
function painted(saved) {
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const took = Math.round(Date.now() - saved);
    document.body.dataset.took = took;
    if (state?.state === "live") say("live", took < 5000 ? `Live, shown in ${took} ms` : "Live");
  }));
}

async function showHeaders() {
  const headers = await (await get(mailAddress("/headers"))).json();
  const file = make("a", { href: mailAddress("/mail.eml"), textContent: "The message as a file" });
  byId("view-headers").replaceChildren(headerList(headers), make("p", {}, file));
}

async function showSource() {
  const lines = (await (await get(mailAddress("/source"))).text()).split("\n");
  const top = byId("view-source").scrollTop;
  byId("view-source").replaceChildren(make("ol", {}, ...lines.map((line) => make("li", { textContent: line || " " }))));
  byId("view-source").scrollTop = top;
}

function say(name, words) {
  document.body.dataset.state = name;
  if (byId("state").textContent !== words) byId("state").textContent = words;
}

function showPage(next) {
  const first = state === null;
  const changed = state?.mail !== next.mail;
  state = next;
  const count = state.problems.length;
  document.title = `${count ? "Error: " : ""}${state.subject || state.issue || "Preview"}`;
  byId("subject").textContent = state.subject || "No mail to show yet";
  byId("preheader").textContent = state.preheader;
  const named = count === 1 ? "1 problem" : `${count} problems`;
  if (count) say("error", `Error: ${named}`);
  else say("live", "Live");
  byId("broken").hidden = count === 0;
  byId("broken-title").textContent = `${named} in the way`;
  byId("broken-list").replaceChildren(...state.problems.map((problem) => problemEntry(problem)));
  for (const view of document.querySelectorAll(".view")) view.inert = count > 0 && chosen.view !== "outbox";
  byId("meter").value = state.weight / 1000;
  byId("meter").max = state.most / 1000;
  byId("weight").textContent = `${(state.weight / 1000).toFixed(1)} of the ${state.most / 1000} KB that Gmail shows`;
  showIssues();
  if (count) byId("problems").replaceChildren(make("p", { className: "soft", textContent: "Checked once the mail is back." }));
  refresh(!first && changed && !count ? state.saved : 0);
  if (byId("links-box").open) showLinks();
}

function showChecked(next) {
  checked = next;
  problemAt = -1;
  const groups = next.groups.flatMap((group) => [
    make("h3", { textContent: group.heading }),
    make("ol", { className: "problems" }, ...group.problems.map((problem) => problemEntry(problem, goTo))),
  ]);
  if (!groups.length) groups.push(make("p", { className: "soft", textContent: "No problems found." }));
  byId("problems").replaceChildren(...groups);
  const count = next.groups.flatMap((group) => group.problems).filter((one) => one.severity !== "note").length;
  byId("count").textContent = count || "";
  byId("heaviest").replaceChildren(
    ...next.heaviest.map(([name, bytes]) => make("li", {}, make("span", { textContent: name }), make("span", { textContent: `${(bytes / 1000).toFixed(1)} KB` }))),
  );
}

async function goTo(problem, entry) {
  for (const other of document.querySelectorAll("#problems .chosen")) other.classList.remove("chosen");
  entry.classList.add("chosen");
  problemAt = [...document.querySelectorAll("#problems .go")].indexOf(entry.querySelector(".go"));
  if (chosen.view !== "mail") choose({ view: "mail" });
  await queue;
  const place = await (await get(mailAddress("/place", { where: problem.where }))).json();
  if (place) reveal(place);
}

function showIssues() {
  const current = chosen.issue || state?.issue;
  byId("issues").replaceChildren(
    ...issues.map((one) => {
      const link = make("a", { href: `?issue=${one.name}` }, make("span", { className: "subject", textContent: one.subject || "cannot be read" }));
      link.append(make("span", { className: "facts" }, make("span", { textContent: one.name }), make("span", { className: one.state.replace(" ", "-"), textContent: one.at ? `sent on ${one.at}` : one.state })));
      if (one.name === current) link.setAttribute("aria-current", "page");
      link.onclick = (event) => {
        if (event.metaKey || event.ctrlKey) return;
        event.preventDefault();
        choose({ issue: one.name });
      };
      return make("li", {}, link);
    }),
  );
}

async function showLinks(answers = {}) {
  const links = await (await get(mailAddress("/links"))).json();
  byId("links").replaceChildren(
    ...links.map((link) => {
      const answer = answers[link.address];
      const entry = make("li", {}, make("a", { href: link.address, target: "_blank", rel: "noopener noreferrer", textContent: link.text }));
      entry.append(make("small", { textContent: link.where }));
      if (answer) entry.append(make("span", { className: answer.severity, textContent: answer.said }));
      return entry;
    }),
  );
}

async function askLinks() {
  const button = byId("ask-links");
  button.disabled = true;
  button.textContent = "Checking…";
  try {
    await showLinks(await (await get(mailAddress("/links"), { method: "POST" })).json());
  } finally {
    button.disabled = false;
    button.textContent = "Check them again";
  }
}

// The reader.
let looking = 0;
async function lookFor(words) {
  const turn = ++looking;
  const answer = await fetch(`/subscribers?like=${encodeURIComponent(words)}`);
  const found = answer.ok ? await answer.json() : [];
  if (turn !== looking) return;
  byId("found").replaceChildren(
    ...found.map((one) => {
      const pick = () => {
        choose(one);
        byId("reader-box").close();
      };
      return make("li", {}, make("button", { type: "button", onclick: pick, textContent: one.name ? `${one.name} <${one.address}>` : one.address }));
    }),
  );
}

async function sendTest() {
  const said = byId("test-said");
  byId("test-send").disabled = true;
  said.className = "";
  said.textContent = "Sending…";
  try {
    const body = JSON.stringify({ address: byId("test-address").value, provider: byId("test-provider").value });
    const answer = await (await fetch(mailAddress("/test"), { method: "POST", body })).json();
    said.className = answer.ok ? "good" : "bad";
    said.textContent = answer.said;
  } catch {
    said.className = "bad";
    said.textContent = "The preview does not answer; look into its terminal.";
  } finally {
    byId("test-send").disabled = false;
  }
}

// Keys.
const step = (by) => {
  const at = issues.findIndex((one) => one.name === (chosen.issue || state?.issue));
  const next = issues[at + by];
  if (next) choose({ issue: next.name });
};
const nextProblem = () => {
  const all = [...document.querySelectorAll("#problems .go")];
  if (!all.length) return;
  const next = all[(problemAt + 1) % all.length];
  next.scrollIntoView({ block: "nearest" });
  next.click();
};
const cycle = (key, values) => choose({ [key]: values[(values.indexOf(chosen[key]) + 1) % values.length] });
const KEYS = {
  j: ["older issue", () => step(1)],
  k: ["newer issue", () => step(-1)],
  m: ["the mail", () => choose({ view: "mail" })],
  t: ["text, and back", () => choose({ view: chosen.view === "text" ? "mail" : "text" })],
  i: ["inbox rows", () => choose({ view: "inbox" })],
  o: ["outbox", () => choose({ view: "outbox" })],
  w: ["next width", () => cycle("width", ["640", "375", "320"])],
  d: ["light, dark, forced dark", () => cycle("scheme", ["light", "dark", "inverted", "outlook"])],
  p: ["next problem", nextProblem],
  "?": ["this list", () => byId("keys").showModal()],
};
function onKey(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.("input:not([type=radio], [type=checkbox]), select, textarea")) return;
  const action = KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  action[1]();
}

function wire() {
  byId("key-list").replaceChildren(...Object.entries(KEYS).flatMap(([key, [what]]) => [make("dt", {}, make("kbd", { textContent: key })), make("dd", { textContent: what })]));
  document.addEventListener("keydown", onKey);
  for (const input of document.querySelectorAll("[name=view]")) input.onchange = () => choose({ view: input.value });
  for (const input of document.querySelectorAll("[name=preset]")) input.onchange = () => choose({ width: input.value });
  byId("scheme").onchange = (event) => choose({ scheme: event.target.value });
  byId("pictures").onchange = (event) => choose({ pictures: event.target.checked ? "on" : "" });
  byId("open-keys").onclick = () => byId("keys").showModal();
  byId("open-reader").onclick = () => {
    byId("as-name").value = chosen.name;
    byId("as-address").value = chosen.address;
    byId("reader-box").showModal();
    lookFor("");
  };
  byId("like").oninput = (event) => lookFor(event.target.value);
  byId("reader-form").onsubmit = (event) => {
    const nobody = event.submitter?.value === "nobody";
    choose({ name: nobody ? "" : byId("as-name").value, address: nobody ? "" : byId("as-address").value || (byId("as-name").value && "reader@example.com") });
  };
  byId("open-test").onclick = () => {
    byId("test-said").textContent = "";
    byId("test-box").showModal();
  };
  byId("test-form").onsubmit = (event) => {
    if (event.submitter?.value !== "send") return;
    event.preventDefault();
    sendTest();
  };
  byId("links-box").ontoggle = () => byId("links-box").open && showLinks();
  byId("ask-links").onclick = askLinks;
  for (const button of document.querySelectorAll("[data-rail]")) {
    button.onclick = () => button.setAttribute("aria-expanded", String(byId(button.dataset.rail).classList.toggle("open")));
  }
  wireHandle();
}

function wireHandle() {
  const handle = byId("handle");
  handle.onpointerdown = (down) => {
    const from = byId("window").clientWidth - 14;
    handle.setPointerCapture(down.pointerId);
    document.body.classList.add("dragging");
    // The mail stands in the middle, so it grows on both sides.
    handle.onpointermove = (move) => choose({ width: String(Math.round(Math.min(MOST, Math.max(LEAST, from + 2 * (move.clientX - down.clientX))))) });
    handle.onpointerup = handle.onpointercancel = () => {
      handle.onpointermove = null;
      document.body.classList.remove("dragging");
    };
  };
  handle.onkeydown = (event) => {
    const by = { ArrowLeft: -10, ArrowRight: 10 }[event.key];
    if (by) choose({ width: String(Math.min(MOST, Math.max(LEAST, Number(chosen.width) + by))) });
  };
}

// The server's news. A browser keeps six connections to a server; tabs that nobody sees give theirs up.
let events = null;
function connect() {
  events?.close();
  events = new EventSource(`/events?issue=${encodeURIComponent(chosen.issue)}`);
  const on = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("page", showPage);
  on("checked", showChecked);
  on("issues", (next) => {
    issues = next;
    showIssues();
  });
  on("outbox", () => chosen.view === "outbox" && refresh());
  events.onerror = () => say("lost", "Not connected");
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return connect();
  events?.close();
});

wire();
document.body.dataset.mail = "none";
showChoices();
connect();
