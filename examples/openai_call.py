"""A call to OpenAI, or to any server that speaks its API, with the official SDK. OPENAI_MODEL says which model.

Needs ``pip install openai``; ``streamchat --process-query openai_call:process_query`` serves it.
``streamchat.backends.openai`` does more: retries, tools, settings per profile. This is what your own would begin as.
"""

import os

from openai import OpenAI

CLIENT, MODEL = OpenAI(), os.environ["OPENAI_MODEL"]


def process_query(message, system_prompt, history, request_id):
    """Stream the model's words. When the turn is stopped, the ``yield`` raises and the connection is closed."""
    messages = [{"role": "system", "content": system_prompt}, *history, {"role": "user", "content": message}]
    with CLIENT.chat.completions.create(
        model=MODEL, messages=messages, stream=True, extra_headers={"X-Request-Id": request_id}
    ) as stream:
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content
