"use strict";

/**
 * The question as a command for a terminal. The token is a variable of the shell unless it is wanted in the open. Pure.
 *
 * @param {{address: string, token: string, door: string, body: any, showToken: boolean}} asked
 */
function asCurl({ address, token, door, body, showToken }) {
  const bearer = showToken ? quoted(`Authorization: Bearer ${token}`) : '"Authorization: Bearer $STREAMCHAT_TOKEN"';
  return [
    `curl -N ${quoted(`${address}/api/${door}`)}`,
    `-H ${bearer}`,
    "-H 'Content-Type: application/json'",
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n  ");
}

/** A word of the shell that stands for this text, whatever is in it. */
function quoted(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
