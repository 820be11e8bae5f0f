"use strict";

/**
 * What happened when, from the frames of one stream as they arrived: its stages, its silences, its figures. Times are
 * seconds since the question was sent. Pure: knows no document and no clock.
 */
class Timeline {
  /** A silence between two frames that is worth showing, in seconds. */
  static longSilence = 1;
  static mostSilences = 3;

  /** @param {number} sentAt when the question was sent, ms of the arrivals' own clock */
  constructor(sentAt) {
    this.sentAt = sentAt;
    /** @type {{at: number, status: string}[]} */
    this.marks = [];
    /** @type {{name: string, from: number, to: number}[]} */
    this.stages = [{ name: "connecting", from: 0, to: 0 }];
    this.chunks = 0;
    this.characters = 0;
    this.firstAnswer = null;
    this.lastAnswer = null;
    this.endedAs = null;
    /** @type {Set<string>} */
    this.questions = new Set();
  }

  /** @param {Arrival} arrival */
  add({ frame, at }) {
    const now = (at - this.sentAt) / 1000;
    this.marks.push({ at: now, status: frame.status });
    if (frame.status === "input_required") this.questions.add(frame.request_id);
    if (["input_received", "input_expired"].includes(frame.status)) this.questions.delete(frame.request_id);
    if (frame.status === "streaming") this.count(frame.data, now);
    this.enter(this.stageAfter(frame), now);
    if (frame.is_complete) this.endedAs = frame.status;
  }

  count(text, now) {
    this.chunks += 1;
    this.characters += [...text].length;
    this.firstAnswer ??= now;
    this.lastAnswer = now;
  }

  /** The stage that begins, or goes on, with this frame. */
  stageAfter(frame) {
    if (this.questions.size > 0) return "asking";
    if (frame.status === "queued") return "queued";
    if (frame.status === "streaming" || this.firstAnswer !== null) return "answering";
    return "working";
  }

  enter(name, now) {
    const current = this.stages[this.stages.length - 1];
    current.to = now;
    if (current.name !== name) this.stages.push({ name, from: now, to: now });
  }

  /** The longest silences that there were after the first frame, the longest first. */
  get silences() {
    return this.marks
      .slice(1)
      .map((mark, index) => ({ from: this.marks[index].at, to: mark.at, seconds: mark.at - this.marks[index].at }))
      .filter(({ seconds }) => seconds >= Timeline.longSilence)
      .sort((one, other) => other.seconds - one.seconds)
      .slice(0, Timeline.mostSilences);
  }

  /** In seconds, null while unknown. The speed is that of the showing, from the first chunk to the last. */
  get figures() {
    const answering = (this.lastAnswer ?? 0) - (this.firstAnswer ?? 0);
    return {
      firstFrame: this.marks[0]?.at ?? null,
      firstAnswer: this.firstAnswer,
      total: this.marks.at(-1)?.at ?? 0,
      longestSilence: this.silences[0]?.seconds ?? null,
      frames: this.marks.length,
      chunks: this.chunks,
      characters: this.characters,
      charactersPerSecond: answering >= 0.05 ? this.characters / answering : null,
    };
  }
}
