// The page: it shows what the choices and the server's events determine.

import { byId, get, headerList, make, problemEntry, refill } from "/parts.js";
import { chosen, issueShown, saveChoices, mailAddress, problemsShown, received, schemeShown, schemes } from "/state.js";
import { keysFrom, showInFrame } from "/mail.js";
import { archiveAddress, wireLinksOfPage } from "/archive.js";
import { nextProblem, showChecked, showLinks, showUnchecked, showWeight, wireLinks } from "/problems.js";
import { onKey, wireKeys } from "/keys.js";
import { showInbox } from "/inbox.js";
import { showOutbox } from "/outbox.js";
import { showWidth, wireWidth } from "/width.js";
import { wireReader, wireTest } from "/dialogs.js";
import { showOutline } from "/outline.js";
import { openDialog as openNewIssue, wireNewIssue } from "/new_issue.js";

let shown = ""; // the address of the mail or the page in the frame

function choose(changes) {
  const before = chosen.issue;
  Object.assign(chosen, changes);
  saveChoices();
  showChoices();
  if (chosen.issue !== before) {
    received.page = received.archive = null;
    showUnchecked("Checking…");
    connect();
  } else refresh();
}

// Show the picked issue: leave the outbox, and close the list, which covers the mail on a narrow screen.
function pick(name) {
  choose({ issue: name, view: chosen.view === "outbox" ? "mail" : chosen.view });
  closeIssues();
}

function closeIssues() {
  const button = document.querySelector("[data-rail=issue-panel]");
  if (isOpen(button)) openRail(button, false);
}

const isOpen = (button) => button.getAttribute("aria-expanded") === "true";
function openRail(button, open) {
  byId(button.dataset.rail).classList.toggle("open", open);
  button.setAttribute("aria-expanded", String(open));
  if (!open) button.focus();
}

function showChoices() {
  document.body.dataset.view = chosen.view;
  for (const input of document.querySelectorAll("[name=view]")) input.checked = input.value === chosen.view;
  for (const input of document.querySelectorAll("[name=preset]")) input.checked = input.value === chosen.width;
  for (const option of byId("scheme").options) option.hidden = option.disabled = !schemes().includes(option.value);
  byId("scheme").value = schemeShown();
  byId("pictures").checked = chosen.pictures === "on";
  byId("reader").textContent = chosen.name || chosen.address || "a reader";
  showWidth();
  showProblems();
  showIssues();
}

// Behind the list of problems the last good mail is visible but inert.
function showProblems() {
  const list = problemsShown();
  const problems = list.length === 1 ? "1 problem" : `${list.length} problems`;
  if (list.length) showState("error", `Error: ${problems}`);
  else if (document.body.dataset.state === "error" && received.page) showState("live", "Live");
  byId("broken-title").textContent = `${problems} to correct`;
  refill(byId("broken-list"), ...list.map((problem) => problemEntry(problem)));
  const broken = Boolean(list.length) && chosen.view !== "outbox";
  byId("broken").hidden = !broken;
  for (const view of document.querySelectorAll(".view")) view.inert = broken;
}

// Updates the view to the latest state. Updates run one after the other.
let queue = Promise.resolve();
function refresh(saved = 0) {
  queue = queue.then(() => show(saved)).catch((failure) => console.warn(String(failure)));
}

async function show(saved) {
  document.body.dataset.mail = received.page?.mail ? "shown" : "none";
  if (chosen.view === "outbox") return showOutbox();
  if (!received.page?.mail) return;
  await SHOW[chosen.view]();
  if (saved) showDelay(saved);
}

const SHOW = {
  async mail() {
    const { scheme, pictures } = chosen;
    const forced = scheme === "inverted" || scheme === "outlook" ? scheme : "";
    const address = mailAddress("/mail.html", { scheme: scheme === "dark" ? "dark" : "light", pictures });
    if (`${address} ${forced}` === shown) return;
    await showInFrame(address, "The mail's HTML part", `mail ${received.page.issue}`, forced);
    shown = `${address} ${forced}`;
    keysFrom(onKey);
  },
  async page() {
    const { issue } = received.page;
    const archive = await (await get(archiveAddress("/archive"))).json();
    if (received.page?.issue !== issue) return; // another issue was picked meanwhile
    received.archive = archive;
    const { absence, version } = archive;
    document.body.dataset.page = version ? "shown" : "none";
    refill(byId("no-page"), ...(absence ? [problemEntry(absence)] : []));
    showProblems();
    const address = archiveAddress("/archive.html", { scheme: schemeShown(), pictures: chosen.pictures });
    if (!version || address === shown) return;
    wireLinksOfPage(await showInFrame(address, "The issue's page on the web", `page ${issue}`), issue, pick);
    shown = address;
    keysFrom(onKey);
  },
  async text() {
    byId("view-text").textContent = await (await get(mailAddress("/mail.txt"))).text();
  },
  inbox() {
    showInbox(received.page);
  },
  async headers() {
    const headers = await (await get(mailAddress("/headers"))).json();
    const file = make("a", { href: mailAddress("/mail.eml"), textContent: "Download the message" });
    byId("view-headers").replaceChildren(headerList(headers), make("p", {}, file));
  },
  async source() {
    const lines = (await (await get(mailAddress("/source"))).text()).split("\n");
    const top = byId("view-source").scrollTop;
    byId("view-source").replaceChildren(make("ol", {}, ...lines.map((line) => make("li", { textContent: line || " " }))));
    byId("view-source").scrollTop = top;
  },
};

// Shows the time from the save of the file until its mail is on the screen.
function showDelay(saved) {
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const took = Math.round(Date.now() - saved);
    document.body.dataset.took = took;
    if (received.page?.state === "live") showState("live", took < 5000 ? `Live, shown in ${took} ms` : "Live");
  }));
}

function showState(name, text) {
  document.body.dataset.state = name;
  if (byId("state").textContent !== text) byId("state").textContent = text;
}

function showPage(page) {
  const changed = received.page && received.page.mail !== page.mail;
  received.page = page;
  const count = page.problems.length;
  document.title = `${count ? "Error: " : ""}${page.subject || page.issue || "Preview"}`;
  byId("subject").textContent = page.subject || "No mail to show yet";
  byId("preheader").textContent = page.preheader;
  showState("live", "Live");
  showProblems();
  showWeight(page);
  showOutline(page.outline, toPart);
  if (count) showUnchecked("The checks run when the problems are corrected.");
  showIssues();
  refresh(changed && !count ? page.saved : 0);
  showLinks().catch(() => {});
}

function showIssues() {
  refill(
    byId("issues"),
    ...received.issues.map((issue) => {
      if (issue.state === "misnamed") return misnamedEntry(issue);
      const link = make("a", { href: `?issue=${issue.name}` }, make("span", { className: "subject", textContent: issue.subject || "no subject yet" }));
      const state = make("span", { className: issue.state, textContent: issue.at ? `sent on ${issue.at}` : issue.state });
      link.append(make("span", { className: "facts" }, make("span", { textContent: issue.name }), state));
      if (issue.name === issueShown()) link.setAttribute("aria-current", "page");
      link.onclick = (event) => {
        if (event.metaKey || event.ctrlKey) return;
        event.preventDefault();
        pick(issue.name);
      };
      const entry = make("li", {}, link);
      entry.dataset.key = issue.name;
      return entry;
    }),
  );
}

// A file that no command reads: its name, and how to name it.
function misnamedEntry(file) {
  const state = make("span", { className: file.state, textContent: "not read" });
  const facts = make("span", { className: "facts" }, make("span", { textContent: file.name }), state);
  const entry = make("li", {}, make("div", {}, make("span", { textContent: file.subject }), facts));
  entry.dataset.key = file.name;
  return entry;
}

async function toMail() {
  if (chosen.view !== "mail") choose({ view: "mail" });
  await queue;
}

// Shows the mail for a part of its outline, which covers it on a narrow screen.
function toPart() {
  closeIssues();
  return toMail();
}

function step(offset) {
  const issues = received.issues.filter((issue) => issue.state !== "misnamed");
  const next = issues[issues.findIndex((issue) => issue.name === issueShown()) + offset];
  if (next) pick(next.name);
}
const cycle = (key, values) => choose({ [key]: values[(values.indexOf(chosen[key]) + 1) % values.length] });

// The server's events. Browsers limit a server to six connections, so that hidden tabs close theirs.
let events = null;
function connect() {
  events?.close();
  events = new EventSource(`/events?issue=${encodeURIComponent(chosen.issue)}`);
  const on = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("page", showPage);
  on("checked", (checked) => showChecked(checked, toMail));
  on("issues", (issues) => {
    received.issues = issues;
    showIssues();
  });
  on("files", () => chosen.view === "page" && refresh()); // also files that the mail does not depend on
  on("outbox", () => chosen.view === "outbox" && refresh());
  events.onerror = () => showState("lost", "Not connected");
}
document.addEventListener("visibilitychange", () => (document.hidden ? events?.close() : connect()));

for (const input of document.querySelectorAll("[name=view]")) input.onchange = () => choose({ view: input.value });
for (const input of document.querySelectorAll("[name=preset]")) input.onchange = () => choose({ width: input.value });
byId("scheme").onchange = (event) => choose({ scheme: event.target.value });
byId("pictures").onchange = (event) => choose({ pictures: event.target.checked ? "on" : "" });
byId("open-keys").onclick = () => byId("keys").showModal();
for (const button of document.querySelectorAll("[data-rail]")) {
  button.onclick = () => openRail(button, !isOpen(button));
  byId(button.dataset.rail).addEventListener("keydown", (event) => event.key === "Escape" && isOpen(button) && openRail(button, false));
}
wireKeys({
  j: ["older issue", () => step(1)],
  k: ["newer issue", () => step(-1)],
  m: ["the mail", () => choose({ view: "mail" })],
  a: ["the page in the archive, and back", () => choose({ view: chosen.view === "page" ? "mail" : "page" })],
  t: ["text, and back", () => choose({ view: chosen.view === "text" ? "mail" : "text" })],
  i: ["inbox rows", () => choose({ view: "inbox" })],
  n: ["new issue", openNewIssue],
  o: ["outbox", () => choose({ view: "outbox" })],
  w: ["next width", () => cycle("width", ["640", "375", "320"])],
  d: ["light, dark, forced dark", () => cycle("scheme", schemes())],
  p: ["next problem", nextProblem],
  "?": ["this list", () => byId("keys").showModal()],
});
wireWidth(choose);
wireReader(choose);
wireTest();
wireLinks();
wireNewIssue(pick);
document.body.dataset.mail = "none";
showChoices();
connect();
