// What clients of the house's own frames have in common: how a question is asked, and what is seen of the frames.

export const DOOR = "/api/stream_chat_smart";

export function question(told) {
  return {
    method: "POST",
    headers: { Authorization: `Bearer ${told.token}`, "Content-Type": "application/json" },
    body: JSON.stringify(told.body),
  };
}

export class Seen {
  text = "";
  end = "";
  error = null;
  tools = [];
  tokens = null;
  progress = [];

  fail(error) {
    this.end = "error";
    this.error = Object.fromEntries(Object.entries(error).filter(([, value]) => value != null));
  }

  show(frame, httpStatus) {
    if (frame.status === "streaming") this.text += frame.data;
    if (frame.status === "tool_call") this.tools.push({ name: frame.name, arguments: frame.arguments });
    if (frame.status === "tool_result") this.tools.at(-1).output = frame.result;
    if (frame.status === "processing" && "progress" in frame) this.progress.push(frame.progress);
    if (frame.usage) this.tokens = frame.usage.prompt_tokens + frame.usage.completion_tokens;
    if (!frame.is_complete || frame.status === "streaming") return;
    if (frame.success) this.end = frame.status;
    else this.fail({ status: httpStatus, code: frame.code, sentence: frame.error });
  }
}
