// The page of an issue on the web, and its links, which do not lead out of the preview.

import { call, select } from "/frame.js";
import { chosen, mailAddress, received } from "/state.js";

// Stands for the root of the archive, which may not be on the web yet.
const ROOT = "https://archive.invalid/";
// No element has this name, so that the page stays where it is.
const NOWHERE = "#not-in-the-preview";

// The address of a part of the page; it contains the page's version, so that it changes with the page.
export const archiveAddress = (path, parameters = {}) =>
  mailAddress(path, { address: "", name: "", v: received.archive?.version ?? "", ...parameters });

// Links to other issues than the page's show these by `pick`; those to other parts of the archive have no effect.
export function wireLinksOfPage(frame, issue, pick) {
  for (const link of select(frame.contentDocument, "a[href], area[href]")) {
    const written = link.getAttribute("href");
    const path = written.startsWith("#") ? null : pathInArchive(written, `${ROOT}${issue}/`);
    if (path === null) continue;
    const other = received.issues.find(({ name, state }) => path === `${name}/` && state !== "misnamed");
    if (path === `${issue}/issue.txt`) link.setAttribute("href", archiveAddress("/archive.txt"));
    else if (other) {
      link.setAttribute("href", `/?${new URLSearchParams({ issue: other.name, view: chosen.view })}`);
      call(link, EventTarget, "addEventListener", "click", (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        pick(other.name);
      });
    } else {
      link.setAttribute("href", NOWHERE);
      link.removeAttribute("target");
      link.setAttribute("title", "The preview does not show this part of the archive.");
    }
  }
}

// The path of a link from the root of the archive; null if it leads to another site.
function pathInArchive(address, base) {
  const url = URL.canParse(address, base) ? new URL(address, base) : null;
  return url?.href.startsWith(ROOT) ? url.pathname.slice(1) : null;
}
