"use strict";

/** The stream cannot be had, or not to its end; the message says why. */
class GaveUp extends Error {}

/** One attempt did not reach the end, another may, after the seconds that the server asked for. */
class Interrupted extends Error {
  constructor(reason, retryAfter) {
    super(reason);
    this.retryAfterSeconds = /^[0-9]+$/.test(retryAfter ?? "") ? Number(retryAfter) : null;
  }
}

/**
 * One question's frames, over as many connections as it takes. Knows no page.
 *
 * Until an id was seen the same POST is repeated under the same Idempotency-Key; from then on the stream is resumed
 * after the last id. `retries` counts attempts in a row that brought nothing new; `note` is told about each of them:
 * {reason, attempt, retries, seconds}.
 */
class ChatStream {
  // What a later attempt may cure: the server's "busy", and what a proxy says while the server restarts.
  static tryAgain = new Set([408, 429, 502, 503, 504]);
  static silenceSeconds = 60;
  static longestBackoffSeconds = 15;

  constructor({ address, token, door, body, retries = 5, note = () => {} }) {
    Object.assign(this, { address, token, door, body, retries, note });
    this.key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("-");
    this.streamId = "";
    this.lastEventId = "";
    this.leaving = new AbortController();
  }

  /** Every frame up to the terminal one; fewer after leave(). Throws GaveUp when the stream cannot be had. */
  async *frames() {
    for (let failures = 0; !this.leaving.signal.aborted; ) {
      const seen = this.lastEventId;
      try {
        yield* this.attempt();
        return;
      } catch (problem) {
        if (this.leaving.signal.aborted) return;
        if (!(problem instanceof Interrupted)) throw problem;
        failures = this.lastEventId === seen ? failures + 1 : 1;
        await this.pause(problem, failures);
      }
    }
  }

  /** Stop the work on the server; what it answers: {state, worker}, or null when there is nothing to stop yet. */
  async cancel() {
    if (this.streamId === "") {
      this.leave();
      return null;
    }
    const response = await this.request("DELETE", `/api/streams/${encodeURIComponent(this.streamId)}`);
    const answer = await response.json().catch(() => ({}));
    return response.ok ? answer : { state: `HTTP ${response.status}` };
  }

  /** Read no further; the work on the server goes on as its on_disconnect says. */
  leave() {
    this.leaving.abort();
  }

  async *attempt() {
    const silence = new AbortController();
    const signal = AbortSignal.any([silence.signal, this.leaving.signal]);
    const response = await this.unlessSilent(this.connect(signal), silence);
    this.streamId = response.headers.get("X-Stream-Id") ?? this.streamId;
    if (!response.ok) {
      yield await this.refusal(response);
      return;
    }
    if (!isEventStream(response)) throw new GaveUp(`HTTP ${response.status}, but no event stream`);
    const reader = response.body.getReader();
    try {
      yield* this.untilTheEnd(reader, silence);
    } finally {
      reader.cancel().catch(() => {}); // after the end, or of a connection that is lost already
    }
  }

  async *untilTheEnd(reader, silence) {
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await this.unlessSilent(reader.read(), silence);
      // A clean close is no end: proxies and dying servers close cleanly too.
      if (done) throw new Interrupted("the stream stopped before its end");
      const events = parser.feed(value);
      for (const event of events) {
        this.lastEventId = event.id || this.lastEventId;
        this.streamId ||= event.id.slice(0, Math.max(0, event.id.lastIndexOf(":")));
        const frame = asFrame(event.data);
        yield frame;
        if (frame.is_complete) return;
      }
    }
  }

  async unlessSilent(promise, silence) {
    const timer = setTimeout(() => silence.abort(), ChatStream.silenceSeconds * 1000);
    try {
      return await this.orInterrupted(promise);
    } finally {
      clearTimeout(timer);
    }
  }

  connect(signal) {
    if (this.lastEventId === "") {
      const headers = { "Content-Type": "application/json", "Idempotency-Key": this.key };
      return this.request("POST", `/api/${this.door}`, { headers, signal, body: JSON.stringify(this.body) });
    }
    const path = `/api/streams/${encodeURIComponent(this.streamId)}`;
    return this.request("GET", path, { headers: { "Last-Event-ID": this.lastEventId }, signal });
  }

  request(method, path, { headers = {}, ...rest } = {}) {
    const authorized = { Authorization: `Bearer ${this.token}`, ...headers };
    return fetch(this.address + path, { method, headers: authorized, cache: "no-store", ...rest });
  }

  async refusal(response) {
    const frame = errorFrame(response, await this.orInterrupted(response.arrayBuffer()));
    const reason = `HTTP ${response.status}: ${frame.error}`;
    if (ChatStream.tryAgain.has(response.status)) {
      throw new Interrupted(reason, response.headers.get("Retry-After"));
    }
    if (this.lastEventId !== "" && response.status !== 401) throw new GaveUp(reason);
    return frame;
  }

  async pause(problem, failures) {
    if (failures > this.retries) throw new GaveUp(problem.message);
    const longest = Math.min(ChatStream.longestBackoffSeconds, 0.25 * 2 ** failures);
    // Jitter: pages that lost one server must not all come back at once.
    const seconds = problem.retryAfterSeconds ?? longest * (0.5 + Math.random() / 2);
    this.note({ reason: problem.message, attempt: failures, retries: this.retries, seconds });
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.leaving.signal.addEventListener("abort", () => resolve(clearTimeout(timer)), { once: true });
    });
  }

  /** What the network does to a promise, as the condition that it is. */
  async orInterrupted(promise) {
    try {
      return await promise;
    } catch (error) {
      throw new Interrupted(error.message || error.name);
    }
  }
}

function isEventStream(response) {
  return (response.headers.get("Content-Type") ?? "").startsWith("text/event-stream");
}

function asFrame(data) {
  try {
    const frame = JSON.parse(data);
    if (frame !== null && typeof frame === "object" && !Array.isArray(frame)) return frame;
  } catch {
    // Told below, with every other text that is no frame.
  }
  throw new GaveUp("an event that is no JSON object");
}

/** A refusal's only frame, or one made from the status where a proxy answered instead. */
function errorFrame(response, bytes) {
  const frame = { status: "error", error: response.statusText || "refused", is_complete: true };
  if (!isEventStream(response)) return frame;
  const [event] = new SseParser().feed(new Uint8Array(bytes));
  return event === undefined ? frame : { ...frame, ...asFrame(event.data) };
}
