"""A second OpenAI-compatible server: LitServe's own protocol code around a model that follows a few fixed rules.

Run as ``python second_upstream.py PORT``. Asked with tools it calls the first one, once; then it says what came of it.
Unlike OpenAI's it gives tool calls whole and says ``stop`` after them, and counts in the chunk that ends the answer.
"""

import sys

import litserve
from litserve.specs.openai import ChatMessage


class Rules(litserve.LitAPI):
    """The model: repeats the question word by word."""

    def setup(self, device):
        self.device = device

    def decode_request(self, request, context):
        context["tools"] = request.tools or []
        context["results"] = [message.content for message in request.messages if message.role == "tool"]
        return str(request.messages[-1].content)

    def predict(self, message, context):
        if context["tools"] and not context["results"]:
            name = context["tools"][0].function.name
            function = {"name": name, "arguments": '{"a": 2, "b": 3}'}
            yield {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "c1", "type": "function", "function": function}],
            }
        elif context["results"]:
            yield {"role": "assistant", "content": f"It is {context['results'][0]}."}
        else:
            for word in message.split(" "):
                yield {"role": "assistant", "content": f"{word} "}

    def encode_response(self, pieces, context):
        for piece in pieces:
            yield ChatMessage(**piece)


if __name__ == "__main__":
    server = litserve.LitServer(Rules(spec=litserve.OpenAISpec()), accelerator="cpu", devices=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, pretty_logs=False)
