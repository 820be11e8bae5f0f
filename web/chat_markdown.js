"use strict";

/**
 * A growing Markdown text as blocks: those that cannot change any more, once each, and the one that is still open.
 * Needs marked, and knows no document: what finished blocks become is the caller's.
 *
 * The last block is open until another one follows it; what follows can only be known once it has begun.
 */
class MarkdownBlocks {
  constructor() {
    this.text = "";
    this.rest = "";
    // Footnote-like definitions of links reach back into blocks that are finished; the caller may render all anew.
    this.hasDefinitions = false;
  }

  /** Add text; the sources of the blocks that it finishes, in order. @param {string} text */
  push(text) {
    // marked reads every end of a line as LF, and tells the lengths of what it has read.
    const sameLine = this.text.endsWith("\r") && text.startsWith("\n") ? text.slice(1) : text;
    this.text += text;
    this.rest += sameLine.replace(/\r\n?/g, "\n");
    const tokens = blockTokens(this.rest);
    this.hasDefinitions ||= tokens.some((token) => token.type === "def");
    const finished = tokens.slice(0, lastBlock(tokens)).map((token) => token.raw);
    const whole = finished.join("");
    if (whole === "" || !this.rest.startsWith(whole)) return [];
    this.rest = this.rest.slice(whole.length);
    return finished.filter((raw) => raw.trim() !== "");
  }

  /** The source of the open block, "" between two. */
  get open() {
    return this.rest;
  }

  /** The open block is to go no further, where that breaks nothing: the blocks that it was. */
  close() {
    const tokens = blockTokens(this.rest);
    const open = tokens[lastBlock(tokens)];
    if (open !== undefined && !["paragraph", "heading", "text", "hr"].includes(open.type)) return [];
    const closed = this.rest;
    this.rest = "";
    return closed.trim() === "" ? [] : [closed];
  }
}

/** What marked makes of it; one paragraph where it is nested deeper than marked can follow. @param {string} text */
function blockTokens(text) {
  try {
    return marked.lexer(text);
  } catch {
    return [{ type: "paragraph", raw: text }];
  }
}

/** The addresses that a whole text defines for its links, by name. @param {string} text */
function definitionsIn(text) {
  try {
    return marked.lexer(text).links;
  } catch {
    return {};
  }
}

/** The index of the last token that is no blank space; the number of tokens if there is none. */
function lastBlock(tokens) {
  const index = tokens.findLastIndex((token) => token.type !== "space");
  return index < 0 ? tokens.length : index;
}

/**
 * An open block as it will most likely look when it is whole, so that it does not flicker: marks that were opened are
 * closed, a link whose address has only begun is its text. Only for paragraphs and the like; a fence is left alone.
 *
 * @param {string} source
 */
function healed(source) {
  if (/^ {0,3}(```|~~~)/.test(source) || /^(?: {4}|\t)/.test(source)) return source;
  let text = source.replace(/!?\[([^\][\n]*)\]\([^)\s]*$/, "$1").replace(/[ \t]*(?:\*{1,2}|_{1,2}|~{1,2}|`{1,2})$/, "");
  const outside = text.replace(/`[^`\n]*`/g, "");
  if (count(outside, /`/g) % 2 === 1) return `${text}\``;
  if (count(outside, /\*\*/g) % 2 === 1) text = `${text.trimEnd()}**`;
  else if (count(outside.replace(/\*\*/g, "").replace(/^\s*\*\s/gm, ""), /\*/g) % 2 === 1) text = `${text.trimEnd()}*`;
  if (count(outside, /~~/g) % 2 === 1) text = `${text.trimEnd()}~~`;
  return text;
}

function count(text, pattern) {
  return (text.match(pattern) ?? []).length;
}
