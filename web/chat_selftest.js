"use strict";

/** Asks one short question and tells whether its stream came as it was sent. */
class SelfTest {
  /** @param {{place: any, announcer: Announcer, stream: () => ChatStream}} what */
  constructor({ place, announcer, stream }) {
    this.place = place;
    this.announcer = announcer;
    this.stream = stream;
  }

  async run() {
    const stream = this.stream();
    const sentAt = performance.now();
    /** @type {Arrival[]} */
    const arrivals = [];
    this.tell(words().testing);
    try {
      for await (const arrival of stream.frames()) arrivals.push(arrival);
    } catch (problem) {
      this.tell(words().testFailed(problem.message), "problem");
      return;
    }
    this.report(arrivals, stream.isResumed, sentAt);
    // A test is no conversation; if it cannot be forgotten, it is at least in the list.
    await stream.api.forget(stream.conversationId).catch(() => {});
  }

  report(arrivals, isResumed, sentAt) {
    const last = arrivals.at(-1)?.frame ?? {};
    if (last.status !== "complete") {
      this.tell(words().testFailed(last.error ?? "?"), "problem");
      return;
    }
    const told = bufferingVerdict(arrivals);
    const verdict = isResumed ? "unknown" : told.verdict;
    this.tell(words().verdicts[verdict], { clear: "good", unknown: "" }[verdict] ?? "problem");
    const rows = {
      firstFrame: `${((arrivals[0].at - sentAt) / 1000).toFixed(3)} s`,
      sent: `${told.sent.toFixed(1)} s`,
      seen: `${told.seen.toFixed(1)} s`,
      moments: `${told.chunks} / ${told.moments}`,
    };
    const list = Object.entries(rows).map(([name, value]) =>
      element("div", {}, element("dt", {}, words().test[name]), element("dd", {}, value)),
    );
    this.place.append(element("dl", { class: "figures" }, ...list));
    if (verdict === "buffered" || verdict === "clumped")
      this.place.append(element("p", { class: "small", word: "bufferingAdvice" }));
  }

  tell(sentence, className = "") {
    this.place.replaceChildren(element("p", { class: `verdict ${className}` }, sentence));
    this.announcer.say(sentence);
  }
}
