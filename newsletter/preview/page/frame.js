// Access to the document of a mail. A mail may name its elements like properties of the browser: <img name=links>
// hides document.links, and <input name=style> hides the style of its form. These functions use the prototypes,
// which no name can hide. A window's own properties cannot be hidden.

export const call = (object, type, name, ...values) => type.prototype[name].apply(object, values);
export const read = (object, type, name) => Object.getOwnPropertyDescriptor(type.prototype, name).get.call(object);

export const select = (mail, selector) => [...call(mail, Document, "querySelectorAll", selector)];
export const rootOf = (mail) => read(mail, Document, "documentElement");

const TYPES = { "http://www.w3.org/1999/xhtml": HTMLElement, "http://www.w3.org/2000/svg": SVGElement, "http://www.w3.org/1998/Math/MathML": MathMLElement };
export const styleOf = (element) => read(element, TYPES[read(element, Element, "namespaceURI")], "style");
