"use strict";

const DOORS = { smart: "stream_chat_smart", basic: "stream_chat", advanced: "stream_chat_advanced" };

/** One question at all three doors, side by side. */
class Comparison {
  /** @param {{place: any, announcer: Announcer, stream: (door: string, message: string) => ChatStream}} what */
  constructor({ place, announcer, stream }) {
    this.place = place;
    this.announcer = announcer;
    this.stream = stream;
    /** @type {Turn[]} */
    this.turns = [];
  }

  /** Resolves when all three have ended. @param {string} message @param {string} name of the profile */
  async ask(message, name) {
    this.stop();
    // Three at a time would talk at once: only the end is said.
    const silent = /** @type {any} */ ({ say() {}, sayStage() {} });
    this.turns = Object.values(DOORS).map(
      (door) => new Turn({ stream: this.stream(door, message), question: message, name, announcer: silent }),
    );
    this.place.replaceChildren(...Object.keys(DOORS).map((door, index) => pane(door, this.turns[index])));
    await Promise.all(this.turns.map((turn) => turn.run()));
    this.announcer.say(words().compared);
  }

  /** Stop those that run. */
  stop() {
    for (const turn of this.turns) if (turn.isRunning) turn.stop();
  }
}

function pane(door, turn) {
  const title = element("h3", { id: `compare-${door}` }, door);
  return element(
    "section",
    { class: "pane", "aria-labelledby": title.id },
    title,
    turn.strip.element,
    turn.answer.element,
    turn.actions,
  );
}
