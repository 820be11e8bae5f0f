"use strict";

/**
 * Whether something between the server and this page holds a stream back, from the server's own account of its time.
 *
 * The first frame of a stream is sent before any work, and the last one of the smart door says how long all of it took
 * (`total_time`), so both should be as far apart here as there. And the server sent the chunks of a paced answer one at a
 * time: if many come in one read, somebody collected them. Pure.
 *
 * @param {Arrival[]} arrivals of one stream that was neither interrupted nor resumed
 * @returns {{verdict: "clear" | "buffered" | "clumped" | "unknown", sent: number, seen: number, chunks: number, moments: number}}
 *   `sent` and `seen`: seconds from begin to end, there and here; `moments`: at how many the chunks came
 */
function bufferingVerdict(arrivals) {
  const last = arrivals.at(-1)?.frame ?? {};
  const chunks = arrivals.filter(({ frame }) => frame.status === "streaming");
  const seen = arrivals.length > 0 ? (arrivals[arrivals.length - 1].at - arrivals[0].at) / 1000 : 0;
  const sent = last.total_time ?? 0;
  const told = { sent, seen, chunks: chunks.length, moments: moments(chunks) };
  return { verdict: verdictOf(told, arrivals), ...told };
}

// Below this the times of the network and of rounding (0.1 s) are as long as what is measured.
const LEAST_SECONDS = 1;
const LEAST_CHUNKS = 8;
// What comes within this is one moment; the server's chunks must be much further apart for that to mean anything.
const MOMENT_MILLISECONDS = 5;
const APART_SECONDS = 0.03;

function verdictOf({ sent, seen, chunks, moments: count }, arrivals) {
  if (sent < LEAST_SECONDS) return "unknown";
  if (seen < sent / 2) return "buffered";
  const worked = arrivals.find(({ frame }) => frame.status === "processing_complete")?.frame.total_processing_time ?? 0;
  if (chunks < LEAST_CHUNKS || (sent - worked) / chunks < APART_SECONDS) return "clear";
  return count < chunks / 2 ? "clumped" : "clear";
}

function moments(chunks) {
  return chunks.filter(({ at: now }, index) => index === 0 || now - chunks[index - 1].at > MOMENT_MILLISECONDS).length;
}
