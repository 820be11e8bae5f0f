"use strict";

/* Making elements, without ever making HTML out of text. Knows no chat. */

/** The element with this id. @param {string} id @returns {any} */
const at = (id) => document.getElementById(id);

/**
 * A new element. `word` and `label` name entries of WORDS, for its text and for what it is called where it has none, and
 * change with the language; functions are listeners ("click"), booleans are properties, everything else is an attribute.
 *
 * @param {string} name
 * @param {Record<string, any>} properties
 * @param {...(Node | string | null)} children
 * @returns {any}
 */
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "word") called(made, value);
    else if (key === "label") labelled(made, value);
    else if (typeof value === "function") made.addEventListener(key, value);
    else if (typeof value === "boolean") /** @type {any} */ (made)[key] = value;
    else if (value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Give an element a word of the page as its text, now and in every language chosen later. */
function called(made, word) {
  made.dataset.word = word;
  made.textContent = words()[word];
  return made;
}

/** The same for the name of an element that shows no text. */
function labelled(made, word) {
  made.dataset.label = word;
  made.setAttribute("aria-label", words()[word]);
  if (made.localName === "button") made.title = words()[word];
  return made;
}

/** Say everything on the page that is a word of WORDS in the language of the moment. */
function showWords() {
  /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-word]")).forEach((found) =>
    called(found, found.dataset.word),
  );
  /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-label]")).forEach((found) =>
    labelled(found, found.dataset.label),
  );
  /** @type {NodeListOf<any>} */ (document.querySelectorAll("[data-placeholder]")).forEach((found) => {
    found.placeholder = words()[found.dataset.placeholder];
  });
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element; attributes only. */
function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** One of the page's own pictures, which says nothing to who cannot see it. */
function icon(name) {
  return drawn("svg", { class: "icon", "aria-hidden": "true" }, drawn("use", { href: `#icon-${name}` }));
}

/** A button with a picture and a name. */
function iconButton(name, label, click, className = "plain") {
  return element("button", { type: "button", class: className, label, click }, icon(name));
}

/** Hand the browser a file to keep. */
function saveFile(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  // Not at once: the download has only been asked for.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Copy, and let the button say that it was done. Without a clipboard (plain http) the old way is taken. */
async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const shelf = element("textarea", { class: "unseen", "aria-hidden": "true", tabindex: -1 });
    shelf.value = text;
    button.after(shelf);
    shelf.select();
    document.execCommand("copy");
    shelf.remove();
    button.focus();
  }
  const label = button.dataset.label;
  labelled(button, "copied");
  button.classList.add("done");
  setTimeout(() => {
    button.classList.remove("done");
    labelled(button, label);
  }, 1500);
}
