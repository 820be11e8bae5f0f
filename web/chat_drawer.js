"use strict";

/** For developers: a turn's timeline, its figures, its request as curl, and every frame as it came. */
class Drawer {
  // What is on the page at a time; all frames are in the file that can be saved.
  static mostRows = 500;

  /** @param {any} body where it is all shown */
  constructor(body) {
    this.picture = element("div", { class: "picture" });
    this.legend = element("ul", { class: "legend small" });
    this.figures = element("dl", { class: "figures" });
    this.verdict = element("p", { class: "small" });
    this.curl = element("pre", { tabindex: 0, class: "curl" });
    this.showToken = element("input", { type: "checkbox", change: () => this.showCurl() });
    this.rows = element("ol", { class: "frames" });
    this.omitted = element("p", { class: "small faint" });
    this.turn = null;
    this.shown = 0;
    this.waiting = 0;
    const copy = iconButton("copy", "copyCurl", () => copyText(this.curl.textContent, copy));
    const save = iconButton("save", "saveFrames", () => this.save());
    const token = element("label", { class: "box small" }, this.showToken, element("span", { word: "showToken" }));
    body.append(
      section("timeline", [], this.picture, this.legend, this.figures, this.verdict),
      section("request", [copy], this.curl, token),
      section("frames", [save], this.omitted, this.rows),
    );
  }

  /** Show this turn, now and as it grows. @param {Turn | null} turn */
  follow(turn) {
    if (turn !== this.turn) {
      this.turn = turn;
      this.shown = 0;
      this.rows.replaceChildren();
      this.omitted.textContent = "";
      this.showCurl();
    }
    this.waiting ||= requestAnimationFrame(() => this.show());
  }

  show() {
    this.waiting = 0;
    if (this.turn === null) return;
    const { timeline, arrivals } = this.turn;
    this.picture.replaceChildren(timelinePicture(timeline));
    this.legend.replaceChildren(...timeline.stages.map(legendRow));
    this.figures.replaceChildren(...figureRows(timeline.figures));
    this.showVerdict();
    for (; this.shown < arrivals.length; this.shown += 1) this.addRow(this.shown);
    while (this.rows.children.length > Drawer.mostRows) this.rows.firstElementChild?.remove();
    const left = arrivals.length - this.rows.children.length;
    this.omitted.textContent = left > 0 ? words().omitted(left) : "";
  }

  /** A held-back stream shows in any answer, without a test of its own. */
  showVerdict() {
    const { arrivals, stream, isRunning } = this.turn;
    const { verdict } = bufferingVerdict(arrivals);
    const isHeld = !isRunning && !stream.isResumed && ["buffered", "clumped"].includes(verdict);
    this.verdict.className = isHeld ? "small problem" : "small";
    this.verdict.textContent = isHeld ? words().verdicts[verdict] : "";
  }

  addRow(index) {
    const { arrivals, timeline } = this.turn;
    const { frame, raw, id, at: now } = arrivals[index];
    const seconds = (now - timeline.sentAt) / 1000;
    const before = index === 0 ? timeline.sentAt : arrivals[index - 1].at;
    const head = [
      element("span", { class: "time" }, seconds.toFixed(3)),
      element("span", { class: "time faint" }, `+${((now - before) / 1000).toFixed(3)}`),
      element("span", { class: "status" }, frame.status ?? "?"),
      element("span", { class: "faint glimpse" }, frame.data || frame.message || ""),
    ];
    const body = element("pre", { tabindex: 0 }, `data: ${raw}\n${id === "" ? "" : `id: ${id}\n`}`);
    this.rows.append(element("li", {}, element("details", {}, element("summary", {}, ...head), body)));
  }

  showCurl() {
    if (this.turn === null) return;
    const { api, door, body } = this.turn.stream;
    const asked = {
      address: api.address,
      token: api.token,
      door,
      body: withoutBytes(body),
      showToken: this.showToken.checked,
    };
    this.curl.textContent = asCurl(asked);
  }

  save() {
    if (this.turn === null) return;
    const { arrivals, timeline, stream } = this.turn;
    const lines = arrivals.map(({ frame, id, at: now }) =>
      JSON.stringify({ at: (now - timeline.sentAt) / 1000, id, frame }),
    );
    saveFile(`frames-${stream.streamId || "unsent"}.jsonl`, `${lines.join("\n")}\n`, "application/jsonl");
  }
}

function section(word, buttons, ...inner) {
  const head = element("div", { class: "section-head" }, element("h3", { word, id: `drawer-${word}` }), ...buttons);
  return element("section", { "aria-labelledby": `drawer-${word}` }, head, ...inner);
}

function legendRow({ name, from, to }) {
  return element(
    "li",
    {},
    element("span", { class: `swatch ${name}` }),
    `${words().stages[name]} ${(to - from).toFixed(2)} s`,
  );
}

function figureRows(figures) {
  return Object.entries(figures).map(([name, value]) => {
    const text = value === null ? "–" : Number.isInteger(value) ? String(value) : value.toFixed(2);
    return element("div", {}, element("dt", {}, words().figures[name]), element("dd", {}, text));
  });
}
