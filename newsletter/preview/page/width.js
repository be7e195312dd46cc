// The handle for the width of the mail: dragged, or moved by the arrow keys.

import { byId } from "/parts.js";
import { fit } from "/mail.js";
import { MIN_WIDTH, MAX_WIDTH, chosen, clampedWidth } from "/state.js";

export function showWidth() {
  byId("window").style.setProperty("--width", `${chosen.width}px`);
  fit();
  byId("window-size").textContent = `${chosen.width} pixels wide`;
  byId("handle").setAttribute("aria-valuenow", chosen.width);
}

export function wireWidth(choose) {
  const handle = byId("handle");
  handle.setAttribute("aria-valuemin", MIN_WIDTH);
  handle.setAttribute("aria-valuemax", MAX_WIDTH);
  handle.onpointerdown = (down) => {
    const startWidth = Number(chosen.width);
    handle.setPointerCapture(down.pointerId);
    document.body.classList.add("dragging");
    // The mail is centred, so that it grows on both sides.
    handle.onpointermove = (move) => choose({ width: clampedWidth(startWidth + 2 * (move.clientX - down.clientX)) });
    handle.onpointerup = handle.onpointercancel = () => {
      handle.onpointermove = null;
      document.body.classList.remove("dragging");
    };
  };
  handle.onkeydown = (event) => {
    const change = { ArrowLeft: -10, ArrowRight: 10 }[event.key];
    if (change) choose({ width: clampedWidth(Number(chosen.width) + change) });
  };
}
