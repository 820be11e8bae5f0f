"use strict";

/** How far a turn is: a bar, the stage's sentence, the time gone by and to come; at its end one line of figures. */
class ProgressStrip {
  /** @param {Timeline} timeline */
  constructor(timeline) {
    this.timeline = timeline;
    this.bar = element("progress", { max: 100, label: "progress" });
    this.stage = element("span", { class: "stage" });
    this.times = element("span", { class: "times" });
    this.element = element(
      "div",
      { class: "progress" },
      this.bar,
      element("p", { class: "row" }, this.stage, this.times),
    );
    this.remaining = null;
    this.toldAt = 0;
    /** @type {any} the last counts of tokens */
    this.usage = null;
    this.timer = setInterval(() => this.showTimes(), 200);
    this.bar.removeAttribute("value");
    this.showTimes();
  }

  say(sentence) {
    this.stage.textContent = sentence;
  }

  /** @param {any} frame one that is neither part of the answer nor the end */
  take(frame) {
    if (frame.message) this.say(frame.message);
    if (frame.status === "queued") this.queue(frame);
    else if (typeof frame.progress === "number") this.bar.value = frame.progress;
    if (frame.status === "processing") this.expect(frame.remaining_time ?? null);
    if (frame.status === "processing_complete") this.expect(null);
  }

  queue({ position, estimated_wait: wait }) {
    this.say(words().queued(position));
    this.expect(wait);
  }

  /** @param {any} frame a chunk */
  count(frame) {
    const sent = frame.streaming_progress ?? frame.progress ?? null;
    if (sent === null) this.bar.removeAttribute("value");
    else this.bar.value = sent;
    this.expect(null);
    if (this.timeline.chunks === 1) this.say(words().answering);
  }

  expect(remainingSeconds) {
    this.remaining = remainingSeconds;
    this.toldAt = performance.now();
  }

  showTimes() {
    const now = performance.now();
    let line = words().elapsed(((now - this.timeline.sentAt) / 1000).toFixed(1));
    if (this.remaining !== null) {
      line += ` · ${words().remaining(Math.ceil(Math.max(0, this.remaining - (now - this.toldAt) / 1000)))}`;
    }
    if (this.timeline.characters > 0) line += ` · ${words().characters(this.timeline.characters)}`;
    if (this.usage) line += ` · ${tokensText(this.usage)}`;
    this.times.textContent = line;
  }

  /** The end: what became of it, and its figures. @param {string} sentence @param {string} state names a class */
  finish(sentence, state) {
    clearInterval(this.timer);
    this.say(sentence);
    this.times.textContent = figuresLine(this.timeline.figures, this.usage);
    this.bar.hidden = true;
    this.element.classList.add("ended", state);
  }

  /** The same stream goes on. */
  again() {
    this.bar.hidden = false;
    this.element.className = "progress";
    this.timer = setInterval(() => this.showTimes(), 200);
  }
}

/** What is worth knowing of a whole stream, in one line. */
function figuresLine({ firstAnswer, total, chunks, characters, charactersPerSecond }, usage) {
  const said = [words().total(total.toFixed(1))];
  if (firstAnswer !== null) said.push(words().firstAnswerAfter(firstAnswer.toFixed(1)));
  if (chunks > 0) said.push(words().counted(chunks, characters));
  if (charactersPerSecond !== null) said.push(words().speed(Math.round(charactersPerSecond)));
  if (usage) said.push(tokensText(usage));
  return said.join(" · ");
}

function tokensText({ prompt_tokens: prompt = "?", completion_tokens: completion = "?" }) {
  return words().tokens(prompt, completion);
}
