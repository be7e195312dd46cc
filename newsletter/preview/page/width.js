// The edge of the mail, dragged or moved by the arrow keys.

import { byId } from "/parts.js";
import { fit } from "/mail.js";
import { LEAST, MOST, chosen, within } from "/state.js";

export function showWidth() {
  byId("window").style.setProperty("--width", `${chosen.width}px`);
  fit();
  byId("window-size").textContent = `${chosen.width} pixels wide`;
  byId("handle").setAttribute("aria-valuenow", chosen.width);
}

export function wireWidth(choose) {
  const handle = byId("handle");
  handle.setAttribute("aria-valuemin", LEAST);
  handle.setAttribute("aria-valuemax", MOST);
  handle.onpointerdown = (down) => {
    const from = Number(chosen.width);
    handle.setPointerCapture(down.pointerId);
    document.body.classList.add("dragging");
    // The mail stands in the middle, so it grows on both sides.
    handle.onpointermove = (move) => choose({ width: within(from + 2 * (move.clientX - down.clientX)) });
    handle.onpointerup = handle.onpointercancel = () => {
      handle.onpointermove = null;
      document.body.classList.remove("dragging");
    };
  };
  handle.onkeydown = (event) => {
    const by = { ArrowLeft: -10, ArrowRight: 10 }[event.key];
    if (by) choose({ width: within(Number(chosen.width) + by) });
  };
}
