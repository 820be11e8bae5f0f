"use strict";

/* Images, audio, films and files in an answer. */

/** Puts the parts of a media frame's content together. */
class MediaParts {
  constructor() {
    /** @type {string[]} */
    this.parts = [];
  }

  /** The widget, once the last part is there; null until then. @param {any} frame @param {string} address of the server */
  take(frame, address) {
    if (frame.url) return mediaWidget(frame, addressOf(frame.url, address));
    if (frame.part === 1) this.parts = [];
    this.parts.push(frame.content ?? "");
    if (frame.part !== frame.parts) return null;
    return mediaWidget(frame, blobAddress(this.parts.join(""), frame.media_type));
  }
}

// A blob has the page's own origin: only types that run nothing keep their name.
const SHOWN_TYPES = /^(?:image|audio|video)\//;

function blobAddress(base64, mediaType) {
  try {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const type = SHOWN_TYPES.test(mediaType) ? mediaType : "application/octet-stream";
    return URL.createObjectURL(new Blob([bytes], { type }));
  } catch {
    return null; // what is no base64 is no file
  }
}

/** Where to get it, if that is an address that can only be looked at. */
function addressOf(url, address) {
  try {
    const whole = new URL(url, `${address}/`);
    const isShown = whole.protocol === "data:" && SHOWN_TYPES.test(url.slice(5));
    return ["http:", "https:"].includes(whole.protocol) || isShown ? whole.href : null;
  } catch {
    return null;
  }
}

function mediaWidget({ media_type: mediaType, alt }, address) {
  if (address === null) return element("p", { class: "widget problem", word: "brokenMedia" });
  const name = alt || mediaType;
  const kind = mediaType.split("/")[0];
  const caption = alt ? [element("figcaption", { class: "small" }, alt)] : [];
  if (kind === "image")
    return element("figure", { class: "widget media" }, element("img", { src: address, alt: name }), ...caption);
  if (kind === "audio" || kind === "video") {
    const player = element(kind, { src: address, controls: true, "aria-label": name, preload: "metadata" });
    return element("figure", { class: "widget media" }, player, ...caption);
  }
  const link = { href: address, download: alt || "file", class: "file", rel: "noopener noreferrer" };
  return element(
    "p",
    { class: "widget media" },
    element("a", link, icon("file"), name, element("span", { class: "faint" }, mediaType)),
  );
}
