// What is chosen, which stands in the page's address, and what the server has told of last.

const DEFAULTS = { issue: "", view: "mail", width: "640", scheme: "light", pictures: "", address: "", name: "" };
const KNOWN = {
  view: ["mail", "text", "inbox", "headers", "source", "outbox"],
  scheme: ["light", "dark", "inverted", "outlook"],
  pictures: ["", "on"],
};
const DATE = /^\d{4}-\d{2}-\d{2}$/;
export const LEAST = 280, MOST = 900; // pixels that the mail may be wide

export const within = (width) => String(Math.round(Math.min(MOST, Math.max(LEAST, Number(width) || Number(DEFAULTS.width)))));
export const SCHEMES = KNOWN.scheme;
export const chosen = { ...DEFAULTS, ...fromAddress() };
export const told = { page: null, issues: [] };

export const issueShown = () => chosen.issue || told.page?.issue;

// Where the mail that was built last is had, as it is chosen to be; its version is in it so that it differs when the mail does.
export function mailAddress(path, more = {}) {
  const { issue, address, name } = chosen;
  return `${path}?${new URLSearchParams({ issue, address, name, v: told.page?.mail ?? "", ...more })}`;
}

function fromAddress() {
  const asked = [...new URLSearchParams(location.search)];
  const known = asked.filter(([key, value]) => Object.hasOwn(DEFAULTS, key) && (KNOWN[key]?.includes(value) ?? true) && (key !== "issue" || DATE.test(value)));
  return Object.fromEntries(known.map(([key, value]) => [key, key === "width" ? within(value) : value]));
}

// Dragging chooses a width at every step, and browsers refuse to have their address changed that often.
let keeping = 0;
export function keepAddress() {
  clearTimeout(keeping);
  keeping = setTimeout(() => {
    const kept = Object.entries(chosen).filter(([key, value]) => value && value !== DEFAULTS[key]);
    history.replaceState(null, "", `?${new URLSearchParams(kept)}`);
  }, 80);
}
