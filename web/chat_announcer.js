"use strict";

/**
 * What a screen reader is told: stages now and then, the answer a finished block at a time, never every token. It says
 * politely, in a region that nobody sees.
 */
class Announcer {
  static secondsBetweenStages = 8;
  static mostLines = 6;

  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
    this.stage = "";
    this.saidAt = -Infinity;
  }

  say(sentence) {
    if (!sentence) return;
    this.region.append(element("p", {}, sentence));
    while (this.region.children.length > Announcer.mostLines) this.region.firstElementChild?.remove();
  }

  /** A progress sentence: only a new one, and only now and then. */
  sayStage(sentence) {
    const now = performance.now();
    if (!sentence || sentence === this.stage || now - this.saidAt < Announcer.secondsBetweenStages * 1000) return;
    this.stage = sentence;
    this.saidAt = now;
    this.say(sentence);
  }
}
