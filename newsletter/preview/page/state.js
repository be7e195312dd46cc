// The user's choices, which the page's address contains, and the last events of the server.

const DEFAULTS = { issue: "", view: "mail", width: "640", scheme: "light", pictures: "", address: "", name: "" };
const KNOWN = {
  view: ["mail", "page", "text", "inbox", "headers", "source", "outbox"],
  scheme: ["light", "dark", "inverted", "outlook"],
  pictures: ["", "on"],
};
const DATE = /^\d{4}-\d{2}-\d{2}$/;
export const MIN_WIDTH = 280, MAX_WIDTH = 1280; // width of the mail or the page in pixels

export const clampedWidth = (width) => String(Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, Number(width) || Number(DEFAULTS.width)))));
export const chosen = { ...DEFAULTS, ...fromAddress() };
export const received = { page: null, issues: [], archive: null };

// Only mail programs force dark colours.
export const schemes = () => (chosen.view === "page" ? ["light", "dark"] : KNOWN.scheme);
export const schemeShown = () => (schemes().includes(chosen.scheme) ? chosen.scheme : "dark");

// The problems of the view: of the files, or else of the page in the archive, if it is shown.
export function problemsShown() {
  const problems = received.page?.problems ?? [];
  return problems.length || chosen.view !== "page" ? problems : received.archive?.problems ?? [];
}

export const issueShown = () => chosen.issue || received.page?.issue;

// The address of a view of the last mail; it contains the mail's version, so that it changes with the mail.
export function mailAddress(path, parameters = {}) {
  const { issue, address, name } = chosen;
  return `${path}?${new URLSearchParams({ issue, address, name, v: received.page?.mail ?? "", ...parameters })}`;
}

function fromAddress() {
  const requested = [...new URLSearchParams(location.search)];
  const valid = requested.filter(([key, value]) => Object.hasOwn(DEFAULTS, key) && (KNOWN[key]?.includes(value) ?? true) && (key !== "issue" || DATE.test(value)));
  return Object.fromEntries(valid.map(([key, value]) => [key, key === "width" ? clampedWidth(value) : value]));
}

// Dragging changes the width at every step, and browsers limit changes of the address: wait for a pause.
let timer = 0;
export function saveChoices() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const changed = Object.entries(chosen).filter(([key, value]) => value && value !== DEFAULTS[key]);
    history.replaceState(null, "", `?${new URLSearchParams(changed)}`);
  }, 80);
}
