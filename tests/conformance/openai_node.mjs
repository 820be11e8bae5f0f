// openai-node, whose streams are stopped by their controller.
const told = JSON.parse(process.argv[2]);
const { default: OpenAI, APIError } = await import(told.package);

const seen = { text: "", end: "", error: null, tokens: null };
const executed = [];

function take(chunk) {
  seen.tokens = chunk.usage?.total_tokens || seen.tokens; // 0 is what nobody has counted
  for (const choice of chunk.choices) {
    const said = choice.delta ?? choice.message;
    seen.text += said.content ?? "";
    executed.push(...(said.executed_tools ?? []));
    if (choice.finish_reason === "stop") seen.end = "complete";
  }
}

const client = new OpenAI({ baseURL: `${told.url}/v1`, apiKey: told.token });
const asked = { model: told.profile, messages: [{ role: "user", content: told.message }], lang: "en" };
try {
  if (told.act === "whole") {
    take(await client.chat.completions.create(asked));
  } else {
    const options = { stream: true, stream_options: { include_usage: true } };
    const stream = await client.chat.completions.create({ ...asked, ...options });
    for await (const chunk of stream) {
      take(chunk);
      if (told.act === "stop" && seen.text) {
        stream.controller.abort();
        seen.end = "stopped";
      }
    }
  }
} catch (error) {
  if (!(error instanceof APIError)) throw error;
  seen.end = "error";
  seen.error = { status: error.status, code: error.code, sentence: error.error?.message };
}
console.log(JSON.stringify({ ...seen, executed }));
