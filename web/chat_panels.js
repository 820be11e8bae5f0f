"use strict";

/*
 * What opens beside or over the conversation: the side panel, the developer's drawer, the dialogs. Where there is no room
 * beside, a panel lies over the conversation, takes the focus, and Escape closes it.
 */

class Panel {
  /**
   * @param {{panel: any, opener: any, closer: any, others: any[], narrow: string, shown?: (open: boolean) => void}} what
   *   `others` cannot be reached while it lies over them, which it does where the media query `narrow` holds
   */
  constructor({ panel, opener, closer, others, narrow, shown = () => {} }) {
    this.panel = panel;
    this.opener = opener;
    this.closer = closer;
    this.others = others;
    this.shown = shown;
    this.narrow = matchMedia(narrow);
    opener.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    closer.addEventListener("click", () => this.close());
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.narrow.matches) this.close();
    });
    this.narrow.addEventListener("change", () => this.show(this.isOpen && !this.narrow.matches));
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  open() {
    this.show(true);
    if (this.narrow.matches) this.closer.focus();
  }

  close() {
    const hadFocus = this.panel.contains(document.activeElement);
    this.show(false);
    if (hadFocus) this.opener.focus();
  }

  /** Out of the way, where it is in the way. */
  makeRoom() {
    if (this.narrow.matches && this.isOpen) this.close();
  }

  /** @param {boolean} open */
  show(open) {
    this.panel.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
    for (const other of this.others) other.inert = open && this.narrow.matches;
    this.shown(open);
  }
}

/** A dialog with its button: opens if `ready` resolves to true; `opened` and `closed` are called each time. */
function dialogFor(dialog, opener, { ready, opened = () => {}, closed = () => {} }) {
  opener.addEventListener("click", async () => {
    if (dialog.open || !(await ready())) return;
    opened();
    dialog.showModal();
  });
  dialog.querySelector(`[data-close="${dialog.id}"]`).addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", closed);
}

/** Keeps the newest in sight, as long as the reader has not scrolled away from it. */
class Follower {
  /** @param {any} scroll @param {any} button that goes back to the newest */
  constructor(scroll, button) {
    this.scroll = scroll;
    this.button = button;
    this.isFollowing = true;
    this.before = 0;
    scroll.addEventListener("scroll", () => this.look());
    button.addEventListener("click", () => this.follow());
  }

  look() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 60;
    // Growing moves the end away, and that is not the reader's doing: only a way up is.
    if (isAtEnd) this.isFollowing = true;
    else if (scrollTop < this.before) this.isFollowing = false;
    this.before = scrollTop;
    this.button.hidden = this.isFollowing || isAtEnd;
  }

  follow() {
    this.isFollowing = true;
    this.grown();
  }

  /** Something that is to be read from its top: what is higher than the view is not followed to its end. */
  showFrom(shown) {
    if (!this.isFollowing || shown.offsetHeight < this.scroll.clientHeight - 80) return;
    this.isFollowing = false;
    shown.scrollIntoView({ block: "start" });
  }

  grown() {
    if (this.isFollowing) this.scroll.scrollTop = this.scroll.scrollHeight;
    else this.look();
  }
}
