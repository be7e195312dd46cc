// Forced dark mode: the colours that mail programs compute, also for mails with dark rules.
//
// "inverted" inverts the lightness of every colour, as Gmail does on iPhones, and ignores the mail's dark rules.
// "outlook" uses the formula of Microsoft's editor (roosterjs, getDarkColor: L* from 0 to 100 becomes 100 down to
// that of #333333) and sets the attributes that the mail's [data-ogsc] and [data-ogsb] rules need.

import { call, rootOf, select, styleOf } from "/frame.js";

const DARKEST = { inverted: 5, outlook: 21.247 };
const COLOURS = ["color", "background-color", "border-top-color", "border-right-color", "border-bottom-color", "border-left-color"];

export function force(frame, kind) {
  const mail = frame.contentDocument;
  const view = frame.contentWindow;
  const elements = select(mail, "html, body, body *");
  // Read all colours before the first change: inherited colours would be inverted twice.
  const plans = elements.map((element) => {
    const style = view.getComputedStyle(element);
    return [element, COLOURS.map((name) => [name, dark(style.getPropertyValue(name), DARKEST[kind])])];
  });
  for (const [element, changes] of plans) {
    for (const [name, value] of changes) {
      if (value) styleOf(element).setProperty(name, value, kind === "inverted" ? "important" : "");
    }
    call(element, Element, "removeAttribute", "bgcolor");
  }
  const root = rootOf(mail);
  if (!opaque(view.getComputedStyle(root).backgroundColor)) {
    root.style.setProperty("background-color", dark("rgb(255, 255, 255)", DARKEST[kind]));
  }
  if (kind === "outlook") for (const name of ["data-ogsc", "data-ogsb"]) root.setAttribute(name, "");
}

const opaque = (colour) => !/, 0\)$|transparent/.test(colour);

function dark(colour, darkest) {
  const [r, g, b, alpha = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  if (b === undefined || alpha === 0 || !colour.startsWith("rgb")) return "";
  const [lightness, a, bb] = toLab([r, g, b]);
  return `rgba(${toRgb([(100 - lightness) * ((100 - darkest) / 100) + darkest, a, bb]).join(", ")}, ${alpha})`;
}

// sRGB and CIE L*a*b* for D65, https://www.w3.org/TR/css-color-4/#color-conversion-code
const WHITE = [0.95047, 1, 1.08883];
function toLab(rgb) {
  const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const xyz = [0.4124 * r + 0.3576 * g + 0.1805 * b, 0.2126 * r + 0.7152 * g + 0.0722 * b, 0.0193 * r + 0.1192 * g + 0.9505 * b];
  const [x, y, z] = xyz.map((c, i) => c / WHITE[i]).map((c) => (c > 216 / 24389 ? Math.cbrt(c) : ((24389 / 27) * c + 16) / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
function toRgb([lightness, a, b]) {
  const y = (lightness + 16) / 116;
  const [x, yy, z] = [y + a / 500, y, y - b / 200].map((c) => (c ** 3 > 216 / 24389 ? c ** 3 : (116 * c - 16) / (24389 / 27))).map((c, i) => c * WHITE[i]);
  const linear = [3.2406 * x - 1.5372 * yy - 0.4986 * z, -0.9689 * x + 1.8758 * yy + 0.0415 * z, 0.0557 * x - 0.204 * yy + 1.057 * z];
  return linear.map((c) => (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055)).map((c) => Math.round(Math.min(1, Math.max(0, c)) * 255));
}
