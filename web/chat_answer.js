"use strict";

/**
 * The answer as it grows: text as Markdown, and between it whatever else happened. Finished blocks are made once and
 * never touched again; only the open one is made anew, at most once a picture of the screen.
 */
class AnswerView {
  // Of the blocks that are finished at one moment only the last are told: to read each would lay out the page for each.
  static mostTold = 6;

  /** @param {{onBlock?: (text: string) => void, onGrown?: () => void}} [listeners] told of finished text, and of every change */
  constructor({ onBlock = () => {}, onGrown = () => {} } = {}) {
    this.element = element("div", { class: "answer", dir: "auto" });
    this.blocks = new MarkdownBlocks();
    this.open = newBlock();
    /** @type {Map<HTMLElement, string>} what each finished block was made of */
    this.sources = new Map();
    this.onBlock = onBlock;
    this.onGrown = onGrown;
    this.waiting = 0;
    this.notBefore = 0;
    this.unread = "";
    this.shown = "";
  }

  /** All of the text so far, as it came. */
  get text() {
    return this.blocks.text;
  }

  /** More text. */
  append(text) {
    this.unread += text;
    this.waiting ||= requestAnimationFrame(() => this.showInTime());
    // A page in the background is given no pictures, but must not fall behind.
    if (document.hidden && performance.now() >= this.notBefore) this.show();
  }

  /** With the next picture, but most of the time is left to the reader: a long open block is made anew each time. */
  showInTime() {
    if (performance.now() >= this.notBefore) this.show();
    else this.waiting = requestAnimationFrame(() => this.showInTime());
  }

  /** Something that is no text, where it happened: after what was said, before what will be. */
  insert(widget) {
    this.show();
    this.finishBlocks(this.blocks.close());
    this.showOpen();
    this.element.append(widget);
    this.onGrown();
  }

  /** No text will follow. */
  finish() {
    this.show();
    if (this.blocks.open.trim() !== "") this.finishBlocks([this.blocks.open]);
    if (this.blocks.hasDefinitions) this.showAllAnew();
    this.onGrown();
  }

  show() {
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    if (this.unread === "") return;
    const begun = performance.now();
    const finished = this.blocks.push(this.unread);
    this.unread = "";
    this.finishBlocks(finished);
    this.showOpen();
    this.onGrown();
    const now = performance.now();
    this.notBefore = now + 3 * (now - begun);
  }

  /** @param {string[]} sources */
  finishBlocks(sources) {
    const last = sources.map((source) => this.finishBlock(source)).slice(-AnswerView.mostTold);
    // All are read before any is told: telling changes the page.
    for (const text of last.map((block) => block.innerText || block.textContent || "")) this.onBlock(text);
  }

  finishBlock(source) {
    const block = this.open.isConnected || this.open.parentNode ? this.open : this.element.appendChild(this.open);
    this.render(block, source);
    this.sources.set(block, source);
    this.open = newBlock();
    this.shown = "";
    return block;
  }

  showOpen() {
    const source = this.blocks.open;
    if (source.trim() === "") return;
    if (this.open.parentNode === null) this.element.append(this.open);
    this.render(this.open, healed(source));
  }

  /** Show this, unless it is what the open block shows: what somebody has selected stays selected. */
  render(block, source) {
    if (source.trimEnd() === this.shown) return;
    this.shown = source.trimEnd();
    block.replaceChildren(safeNodes(source));
  }

  /** Once the definitions of links are known, every block that has a bracket may have changed. */
  showAllAnew() {
    const links = definitionsIn(this.text);
    for (const [block, source] of this.sources) {
      if (source.includes("[")) block.replaceChildren(safeNodes(source, links));
    }
  }
}

/** Each block has its own direction: an Arabic paragraph may follow an English one. */
function newBlock() {
  return element("div", { class: "block", dir: "auto" });
}
