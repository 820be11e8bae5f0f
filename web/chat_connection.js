"use strict";

/** The card in which a server and a token are given, and what is known of that server: its profiles. */
class Connection {
  /** @param {{onConnected: () => void, lang: () => string}} what */
  constructor({ onConnected, lang }) {
    this.onConnected = onConnected;
    this.lang = lang;
    /** @type {any[]} */
    this.profiles = [];
    this.isConnected = false;
    at("connect").addEventListener("submit", (event) => {
      event.preventDefault();
      this.connect();
    });
    at("remember").addEventListener("change", () => this.rememberToken());
    at("open-connect").addEventListener("click", () => this.ask());
  }

  /** Fill in what is known from before; the token only where it was to be remembered, and for that server. */
  start(address) {
    const { token, address: itsAddress } = keptToken();
    at("server").value = itsAddress ?? address;
    at("token").value = token ?? "";
    at("remember").checked = token !== undefined;
    if (token !== undefined) this.connect();
  }

  get api() {
    return new ChatApi({ address: at("server").value, token: at("token").value, lang: this.lang() });
  }

  /** The name of the profile that is asked. */
  get username() {
    return at("profile").disabled ? at("profile-name").value.trim() : at("profile").value;
  }

  get profile() {
    return this.profiles.find(({ username }) => username === this.username);
  }

  /** Show the card, with the focus where something is missing. */
  ask() {
    at("connect").hidden = false;
    (at("server").checkValidity() ? at("token") : at("server")).focus();
  }

  /** Whether a question can be asked; if not, it is shown what is missing. A server that was only named is connected to. */
  async isReady() {
    if (!at("server").checkValidity() || !at("token").checkValidity()) {
      this.ask();
      at("connect").reportValidity();
      return false;
    }
    if (!this.isConnected && !(await this.connect())) return false;
    if (this.username !== "") return true;
    useField(at("profile-name"), true);
    at("profile-name").focus();
    return false;
  }

  /** Whether this server takes the token. */
  async connect() {
    at("connect-state").textContent = words().connecting;
    try {
      this.profiles = await this.api.profiles();
      this.succeed();
      return true;
    } catch (problem) {
      this.profiles = [];
      this.showState(false, words().connectFailed(problem.message));
      // The right to talk is one thing, the list of profiles another: without the list a name can be typed.
      if (problem.status !== 401) this.showProfiles();
      return problem.status !== 401 && this.username !== "";
    }
  }

  succeed() {
    this.rememberToken();
    this.showProfiles();
    this.showState(true, "");
    const hadFocus = at("connect").contains(document.activeElement);
    at("connect").hidden = true;
    if (hadFocus) at("message").focus();
    this.onConnected();
  }

  showState(isConnected, sentence) {
    this.isConnected = isConnected;
    at("connect-state").textContent = sentence;
    at("connected").classList.toggle("good", isConnected);
    called(at("connected"), isConnected ? "connected" : "notConnected");
  }

  rememberToken() {
    const isWanted = at("remember").checked && at("token").value !== "";
    keepToken(isWanted ? { token: at("token").value, address: at("server").value } : null);
  }

  showProfiles() {
    const wanted =
      this.username ||
      keptChoices().profile ||
      this.profiles.find(({ settings }) => settings?.lang === this.lang())?.username;
    at("profile").replaceChildren(
      ...this.profiles.map(({ username, display_name: name }) => new Option(name || username, username)),
    );
    if (this.profiles.some(({ username }) => username === wanted)) at("profile").value = wanted;
    useField(at("profile"), this.profiles.length > 0);
    useField(at("profile-name"), this.profiles.length === 0);
  }
}

function useField(field, used) {
  field.disabled = !used;
  field.closest("label").hidden = !used;
}
