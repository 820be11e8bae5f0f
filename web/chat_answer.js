"use strict";

/**
 * The answer as it grows: text as Markdown, and between it whatever else happened. Finished blocks are made once and
 * never touched again; only the open one is made anew, at most once a picture of the screen.
 */
class AnswerView {
  /** @param {{onBlock?: (text: string) => void, onGrown?: () => void}} [listeners] told of finished text, and of every change */
  constructor({ onBlock = () => {}, onGrown = () => {} } = {}) {
    this.element = element("div", { class: "answer", dir: "auto" });
    this.blocks = new MarkdownBlocks();
    this.open = element("div", { class: "block" });
    this.onBlock = onBlock;
    this.onGrown = onGrown;
    this.waiting = 0;
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
    this.waiting ||= requestAnimationFrame(() => this.show());
    // A page in the background is given no pictures, but must not fall behind.
    if (document.hidden) this.show();
  }

  /** Something that is no text, where it happened: after what was said, before what will be. */
  insert(widget) {
    this.show();
    for (const source of this.blocks.close()) this.finishBlock(source);
    this.showOpen();
    this.element.append(widget);
    this.onGrown();
  }

  /** No text will follow. */
  finish() {
    this.show();
    if (this.blocks.hasDefinitions) this.showAllAnew();
    else if (this.blocks.open.trim() !== "") this.finishBlock(this.blocks.open);
    this.onGrown();
  }

  show() {
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    if (this.unread === "") return;
    const finished = this.blocks.push(this.unread);
    this.unread = "";
    for (const source of finished) this.finishBlock(source);
    this.showOpen();
    this.onGrown();
  }

  finishBlock(source) {
    const block = this.open.isConnected || this.open.parentNode ? this.open : this.element.appendChild(this.open);
    this.render(block, source);
    this.open = element("div", { class: "block" });
    this.shown = "";
    this.onBlock(block.innerText || block.textContent);
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

  /** Once the definitions of links are known, every block may have changed. The widgets keep their places' order. */
  showAllAnew() {
    const widgets = [...this.element.children].filter((child) => !child.classList.contains("block"));
    this.open = element("div", { class: "block" });
    this.open.append(safeNodes(this.text));
    this.element.replaceChildren(...widgets, this.open);
  }
}
