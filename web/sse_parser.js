"use strict";

/**
 * Server-sent events out of bytes, as they come: https://html.spec.whatwg.org/multipage/server-sent-events.html
 * (section 9.2.6). Knows no network and no chat.
 *
 * Bytes may be cut anywhere: inside a character, between CR and LF, inside a field. An event whose blank line has not
 * come is no event yet, and does not move lastEventId.
 */
class SseParser {
  constructor() {
    this.lastEventId = "";
    this.decoder = new TextDecoder();
    this.rest = [];
    this.afterCarriageReturn = false;
    this.id = "";
    this.data = [];
    this.name = "";
  }

  /** The events that these bytes complete: [{data, name, id}]. */
  feed(bytes) {
    return this.lines(this.decoder.decode(bytes, { stream: true }))
      .map((line) => this.take(line))
      .filter((event) => event !== null);
  }

  /** The lines that this text completes. CR ends its line at once; an LF that follows belongs to it. */
  lines(text) {
    if (text === "") return [];
    const lines = [];
    let start = this.afterCarriageReturn && text.startsWith("\n") ? 1 : 0;
    const ends = /\r\n|\r|\n/g;
    ends.lastIndex = start;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      lines.push(this.rest.join("") + text.slice(start, end.index));
      this.rest = [];
      start = ends.lastIndex;
    }
    if (start < text.length) this.rest.push(text.slice(start));
    this.afterCarriageReturn = text.endsWith("\r");
    return lines;
  }

  /** One line; the event that it completes, or null. A comment is a line whose field has no name. */
  take(line) {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "event") this.name = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  dispatch() {
    const { data, name } = this;
    this.data = [];
    this.name = "";
    this.lastEventId = this.id;
    return data.length === 0 ? null : { data: data.join("\n"), name: name || "message", id: this.id };
  }
}
