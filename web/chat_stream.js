"use strict";

/** The stream cannot be had, or not to its end; the message says why. */
class GaveUp extends Error {}

/** The server has it no more: to ask for the rest once more is of no use. */
class Gone extends GaveUp {}

/** One attempt did not reach the end, another may, after the seconds that the server asked for. */
class Interrupted extends Error {
  constructor(reason, retryAfter) {
    super(reason);
    this.retryAfterSeconds = /^[0-9]+$/.test(retryAfter ?? "") ? Number(retryAfter) : null;
  }
}

/**
 * A frame as it came: when the bytes that held it were read (`performance.now()`, ms), the text of its data, its id.
 * Frames that one read brought share their time.
 *
 * @typedef {{frame: any, raw: string, id: string, at: number}} Arrival
 */

/**
 * One question's frames, over as many connections as it takes. Knows no page.
 *
 * Until an id was seen the same POST is repeated under the same Idempotency-Key; from then on the stream is resumed
 * after the last id. A stream that the server has lost (it was started anew) is asked for again under the same key, as
 * long as nothing of the answer was seen. `retries` counts attempts in a row that brought nothing new; `note` is told
 * about each of them: {reason, attempt, retries, seconds}.
 */
class ChatStream {
  // What a later attempt may cure: the server's "busy", and what a proxy says while the server restarts.
  static tryAgain = new Set([408, 429, 502, 503, 504]);
  static silenceSeconds = 60;
  static longestBackoffSeconds = 15;

  // What is said for the moment, and by a new run of the same question again.
  static passing = new Set(["connecting", "initializing", "queued", "processing", "processing_complete", "usage"]);

  /** @param {{api: ChatApi, door: string, body: any, streamId?: string, retries?: number, note?: (failure: any) => void}} what */
  constructor({ api, door, body, streamId = "", retries = 5, note = () => {} }) {
    this.api = api;
    this.door = door;
    this.body = body;
    this.retries = retries;
    this.note = note;
    this.key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("-");
    this.streamId = streamId;
    this.conversationId = body.conversation_id ?? "";
    this.lastEventId = "";
    // A stream that is only named was begun by an earlier visit to this page.
    this.isKnown = streamId !== "";
    this.isResumed = this.isKnown;
    this.leaving = new AbortController();
  }

  /**
   * Every frame up to the terminal one; fewer after leave(). Throws GaveUp when the stream cannot be had; called once
   * more, it goes on where it was.
   *
   * @returns {AsyncGenerator<Arrival>}
   */
  async *frames() {
    for (let failures = 0; !this.leaving.signal.aborted;) {
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
    const response = await this.api.request("DELETE", `/api/streams/${encodeURIComponent(this.streamId)}`);
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
    if (!response.ok) {
      yield await this.refusal(response);
      return;
    }
    this.streamId = response.headers.get("X-Stream-Id") ?? this.streamId;
    this.conversationId = decodeURIComponent(response.headers.get("X-Conversation-Id") ?? "") || this.conversationId;
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
      const now = performance.now();
      for (const event of parser.feed(value)) {
        const frame = asFrame(event.data);
        // The server ends, not the answer: whoever takes its place may know more.
        if (frame.code === "shutting_down") throw new Interrupted(frame.error);
        this.lastEventId = event.id || this.lastEventId;
        this.streamId ||= event.id.slice(0, Math.max(0, event.id.lastIndexOf(":")));
        this.isKnown ||= !ChatStream.passing.has(frame.status);
        yield { frame, raw: event.data, id: event.id, at: now };
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
    if (this.lastEventId === "" && !this.isKnown) {
      const headers = { "Content-Type": "application/json", "Idempotency-Key": this.key };
      return this.api.request("POST", `/api/${this.door}`, { headers, signal, body: JSON.stringify(this.body) });
    }
    this.isResumed = true;
    const path = `/api/streams/${encodeURIComponent(this.streamId)}`;
    const headers = this.lastEventId === "" ? {} : { "Last-Event-ID": this.lastEventId };
    return this.api.request("GET", path, { headers, signal });
  }

  async refusal(response) {
    const frame = errorFrame(response, await this.orInterrupted(response.arrayBuffer()));
    const reason = `HTTP ${response.status}: ${frame.error}`;
    if (ChatStream.tryAgain.has(response.status)) {
      throw new Interrupted(reason, response.headers.get("Retry-After"));
    }
    const isResume = this.lastEventId !== "" || this.isKnown;
    if (isResume && !this.isKnown && [404, 410].includes(response.status)) {
      this.lastEventId = "";
      this.streamId = "";
      throw new Interrupted(reason);
    }
    if (isResume && [404, 410].includes(response.status)) throw new Gone(reason);
    if (isResume && response.status !== 401) throw new GaveUp(reason);
    return { frame, raw: JSON.stringify(frame), id: "", at: performance.now() };
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
