// The outline of the mail: its sections with their stories. A click scrolls the mail to the part.

import { byId, get, make, refill } from "/parts.js";
import { mailAddress } from "/state.js";
import { reveal } from "/mail.js";

// `toMail` shows the mail, and resolves when it is loaded.
export function showOutline(parts, toMail) {
  let number = 0;
  const entry = (part) => {
    const place = number++; // in the order of the mail, each part before its own parts
    const button = make("button", { type: "button", className: part.kind, onclick: () => showPart(place, toMail) }, make("span", { textContent: part.text }));
    if (part.sponsor) button.append(make("small", { textContent: "Advertisement" }));
    const item = make("li", {}, button);
    if (part.parts.length) item.append(make("ol", {}, ...part.parts.map(entry)));
    return item;
  };
  refill(byId("outline"), ...parts.map(entry));
  byId("outline-section").hidden = !parts.length;
}

async function showPart(part, toMail) {
  await toMail();
  const place = await (await get(mailAddress("/place", { part }))).json();
  if (place) reveal(place);
}
