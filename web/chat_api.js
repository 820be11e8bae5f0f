"use strict";

/** The server refused a request; the message is its own sentence, `status` and `code` say why. */
class Refused extends Error {
  constructor(sentence, status, code) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}

/** Everything the page asks of a server besides streams: one address, one token. Knows no page. */
class ChatApi {
  /** @param {{address: string, token: string, lang?: string}} where */
  constructor({ address, token, lang = "zh" }) {
    this.address = address.replace(/\/+$/, "");
    this.token = token;
    this.lang = lang;
  }

  /**
   * The bare response. The address says the language: a refusal too is in it, whose body nobody has read.
   *
   * @param {string} method @param {string} path @param {any} [options]
   */
  request(method, path, { headers = {}, ...rest } = {}) {
    const authorized = { Authorization: `Bearer ${this.token}`, ...headers };
    const lang = `${path.includes("?") ? "&" : "?"}lang=${this.lang}`;
    return fetch(this.address + path + lang, { method, headers: authorized, cache: "no-store", ...rest });
  }

  async profiles() {
    return (await this.json("GET", "/api/profiles")).profiles;
  }

  async conversations() {
    return (await this.json("GET", "/api/conversations?limit=100")).conversations;
  }

  async conversation(id) {
    return (await this.json("GET", `/api/conversations/${encodeURIComponent(id)}`)).exchanges;
  }

  forget(id) {
    return this.json("DELETE", `/api/conversations/${encodeURIComponent(id)}`);
  }

  /** Answer a question of a running query. */
  answer(streamId, requestId, input) {
    const body = { input, request_id: requestId };
    return this.json("POST", `/api/streams/${encodeURIComponent(streamId)}/input`, body);
  }

  /** The parsed body of a good answer. Throws Refused, or TypeError when the server cannot be reached. */
  async json(method, path, body) {
    const more =
      body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await this.request(method, path, more);
    const said = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(said.error ?? `HTTP ${response.status}`, response.status, said.code);
    return said;
  }
}
