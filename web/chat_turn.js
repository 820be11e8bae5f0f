"use strict";

/**
 * One question and its answer on the page: reads the stream, hands each frame to what shows it, and offers what can be
 * done with the answer. Knows neither the list of turns nor the form that asked.
 */
class Turn {
  /**
   * @param {{stream: ChatStream, question: string, name: string, announcer: Announcer, onChange?: () => void,
   *   onGrown?: () => void, onAsked?: (question: HTMLElement) => void, retry?: () => void}} what `name` of the profile;
   *   `onChange` at begin, end and every frame
   */
  constructor({ stream, question, name, announcer, onChange = nothing, onGrown = nothing, onAsked = nothing, retry }) {
    this.stream = stream;
    this.question = question;
    this.announcer = announcer;
    this.onChange = onChange;
    this.onAsked = onAsked;
    this.retry = retry;
    stream.note = (failure) => this.strip.say(words().again(failure));
    this.state = "waiting";
    this.leftBecause = "";
    /** @type {Arrival[]} */
    this.arrivals = [];
    this.timeline = new Timeline(performance.now());
    this.strip = new ProgressStrip(this.timeline);
    this.answer = new AnswerView({ onBlock: (text) => announcer.say(text), onGrown });
    this.media = new MediaParts();
    /** @type {Map<string, ToolWidget>} */
    this.tools = new Map();
    /** @type {Map<string, QuestionWidget>} */
    this.questions = new Map();
    this.actions = element("p", { class: "actions", hidden: true });
    this.element = turnElement(
      { question, files: stream.body.attachments?.map((file) => file.name), name },
      ...[this.answer.element, this.strip.element, this.actions],
    );
  }

  get isRunning() {
    return this.state === "running";
  }

  /** Read the stream to its end, or to where it breaks. Called once more, it goes on. */
  async run() {
    this.begin();
    try {
      for await (const arrival of this.stream.frames()) this.take(arrival);
      if (this.isRunning) this.end("left", this.leftBecause || words().left);
    } catch (problem) {
      this.end(problem instanceof Gone ? "gone" : "broken", words().gaveUp(problem.message));
    }
  }

  begin() {
    if (this.state !== "waiting") this.strip.again();
    this.state = "running";
    this.actions.hidden = true;
    this.strip.say(words().connecting);
    this.onChange();
  }

  /** @param {Arrival} arrival */
  take(arrival) {
    const { frame } = arrival;
    this.arrivals.push(arrival);
    this.timeline.add(arrival);
    if (frame.usage ?? frame.status === "usage") this.strip.usage = frame.usage ?? frame;
    if (frame.is_complete) this.finish(frame);
    else if (frame.status === "streaming") this.write(frame);
    else if (!this.showWidget(frame)) this.showStage(frame);
    this.onChange();
  }

  write(frame) {
    this.strip.count(frame);
    this.answer.append(frame.data);
  }

  showStage(frame) {
    this.strip.take(frame);
    this.announcer.sayStage(this.strip.stage.textContent);
  }

  /** Whether the frame is one that has a widget, which is shown now. */
  showWidget(frame) {
    switch (frame.status) {
      case "tool_call":
        this.addTool(frame);
        return true;
      case "tool_result":
        (this.tools.get(frame.call_id) ?? this.addTool(frame)).finish(frame);
        return true;
      case "media":
        this.addMedia(frame);
        return true;
      case "input_required":
        this.ask(frame);
        return true;
      case "input_received":
      case "input_expired":
        this.questions.get(frame.request_id)?.close(frame.status === "input_expired" ? "expired" : "answered");
        return true;
      default:
        return false;
    }
  }

  addTool(frame) {
    const tool = new ToolWidget(frame);
    this.tools.set(frame.call_id, tool);
    this.answer.insert(tool.element);
    return tool;
  }

  addMedia(frame) {
    const widget = this.media.take(frame, this.stream.api.address);
    if (widget !== null) this.answer.insert(widget);
  }

  ask(frame) {
    const answer = (value) => this.stream.api.answer(this.stream.streamId, frame.request_id, value);
    const question = new QuestionWidget({ frame, answer });
    this.questions.set(frame.request_id, question);
    this.strip.say(words().asked);
    this.announcer.say(`${words().asked}: ${frame.question}`);
    this.answer.insert(question.element);
    this.onAsked(question.element);
  }

  /** The terminal frame. */
  finish(frame) {
    if (frame.status === "complete") {
      this.end("complete", words().complete);
      return;
    }
    const code = frame.status === "error" ? ` (${frame.code ?? frame.status})` : "";
    const worker = frame.worker ? ` — ${words().worker(frame.worker)}` : "";
    this.end(frame.status, `${frame.error ?? frame.status}${code}${worker}`);
  }

  end(state, sentence) {
    this.state = state;
    this.answer.finish();
    // What was asked of a stream that is over, or that nobody reads, has no answer to send.
    for (const question of this.questions.values()) if (state !== "broken") question.close("over");
    for (const tool of this.tools.values()) tool.abandon();
    this.strip.finish(sentence, state);
    this.announcer.say(sentence);
    this.offer(state === "broken");
    this.onChange();
  }

  /** Stop on the server. The terminal frame tells the rest; without it, what the server answered stays. */
  async stop() {
    this.strip.say(words().stopping);
    try {
      const answer = await this.stream.cancel();
      const told = answer === null ? words().notStarted : words().stopped(answer.state, answer.worker ?? "?");
      if (!this.isRunning) return;
      this.leftBecause = told;
      this.strip.say(told);
      // Only what was really stopped has an end to wait for.
      if (!["cancelled", "cancelling"].includes(answer?.state)) this.stream.leave();
    } catch (problem) {
      this.leftBecause = words().stopFailed(problem.message);
      this.stream.leave();
    }
  }

  /** What can be done with what is there. */
  offer(isBroken) {
    const save = iconButton("save", "save", () => this.save());
    const copy = iconButton("copy", "copy", () => copyText(this.answer.text, copy));
    const again = this.retry
      ? element("button", { type: "button", class: "plain", word: "retry", click: this.retry })
      : null;
    const goOn = isBroken
      ? element("button", { type: "button", class: "primary", word: "goOn", click: () => this.run() })
      : null;
    const buttons = this.answer.text === "" ? [goOn, again] : [copy, save, goOn, again];
    this.actions.replaceChildren(...buttons.filter((button) => button !== null));
    this.actions.hidden = false;
  }

  save() {
    saveFile(`answer-${this.stream.streamId || "unsent"}.md`, this.answer.text, "text/markdown");
  }
}

function nothing() {}

/** A question on the right, and below it an article that is called after who answers. */
function turnElement({ question, files = [], name }, ...parts) {
  const chips = files.map((file) => element("li", { class: "chip" }, icon("file"), file));
  const attached = files.length > 0 ? element("ul", { class: "chips", label: "attached" }, ...chips) : null;
  const asked = element("div", { class: "asked", dir: "auto" }, question, attached);
  const heading = element(
    "h2",
    { class: "who" },
    element("span", { class: "face", "aria-hidden": "true" }, firstLetter(name)),
    name,
  );
  return element("article", { class: "turn" }, asked, element("div", { class: "reply" }, heading, ...parts));
}

function firstLetter(name) {
  return [...name.trim()][0]?.toUpperCase() ?? "·";
}
