"use strict";

/* What the page remembers of its user. The token is only kept if that is wanted, and only for this tab. */

const KEPT = "streamchat.page";
const KEPT_TOKEN = "streamchat.page.token";
const KEPT_STREAM = "streamchat.page.stream";

/** What was kept under a key, {} where nothing was or nothing can be. */
function kept(storage, key) {
  try {
    return JSON.parse(storage().getItem(key) ?? "{}") ?? {};
  } catch {
    return {}; // storage is forbidden, or holds what another program wrote
  }
}

/** @param {() => Storage} storage @param {string} key @param {any} value null forgets */
function keep(storage, key, value) {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, JSON.stringify(value));
  } catch {
    // A page that may keep nothing works as well.
  }
}

const forEver = () => localStorage;
const forThisTab = () => sessionStorage;

/** The choices that outlive a visit. @returns {Record<string, any>} */
const keptChoices = () => kept(forEver, KEPT);
const keepChoices = (choices) => keep(forEver, KEPT, choices);

/** @returns {{token?: string, address?: string}} a token belongs to the server it was typed in for */
const keptToken = () => kept(forThisTab, KEPT_TOKEN);
const keepToken = (token) => keep(forThisTab, KEPT_TOKEN, token);

/** The stream that was running when the page was left. @returns {Record<string, string>} */
const keptStream = () => kept(forThisTab, KEPT_STREAM);
const keepStream = (stream) => keep(forThisTab, KEPT_STREAM, stream);
