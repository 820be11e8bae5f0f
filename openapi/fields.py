"""What fields mean, for the description of the API: types that several shapes share, and what requests may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, WithJsonSchema

from streamchat.handlers.errors import STATUS_OF
from streamchat.presenting.frames import Payload

Code = Annotated[str, WithJsonSchema({"type": "string", "enum": list(STATUS_OF), "description": "Which error it is."})]
Percent = Annotated[float, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(description="Seconds.")]
StreamId = Annotated[str, Field(examples=["st_2Zkz"])]

# By name, where a field means the same in all requests; else by the schema's name and its own.
REQUEST_FIELDS: Mapping[str, str] = {
    "username": "The profile to talk to.",
    "message": "The question; not blank.",
    "prompt": "An instruction of your own.",
    "prompt_mode": "After the profile's own prompt (the default), or instead of it.",
    "conversation_id": "The conversation that this belongs to; made by the server when absent.",
    "lang": "Of progress and error sentences; the profile's when absent, else `zh`.",
    "pace": "`none` for chunks as soon as they exist.",
    "chunking": "A registered strategy instead of the door's own.",
    "timeout": "Seconds; may only shorten the server's limit.",
    "on_disconnect": "Whether the work goes on without a reader: for a while (`grace`), not at all, to its end.",
    "on_busy": "While an earlier question of the conversation is not answered: `queue` (wait for its end), `reject` "
    "(409), `interrupt` (stop it), `run` (both at a time).",
    "cache": "May this be answered from a cache? There is none yet.",
    "attachments": "Files that belong to the question, for a function that takes them.",
    "Chunking.strategy": "A strategy of this server.",
    "Chunking.size": "In the strategy's unit; its own default when absent.",
    "AttachmentField.media_type": "As in `image/png`; required with `content`.",
    "AttachmentField.name": "The file's name, without its folder.",
    "AttachmentField.content": "The bytes in base64 (RFC 4648, section 4).",
    "AttachmentField.url": "Where it is, instead of `content`; only if the server fetches from there.",
    "InputRequest.input": "Without a `schema` a string, else any JSON value that the schema takes.",
    "InputRequest.request_id": "The question's; may be left out while one is open and no more.",
    "CompletionRequest.model": "The profile to talk to: `GET /v1/models` lists them.",
    "CompletionRequest.messages": "What was said, the question last; system and developer messages instruct.",
    "CompletionRequest.stream": "Chunks as they come, instead of one body.",
    "CompletionRequest.stream_options": "What a stream tells beside the answer.",
    "CompletionRequest.n": "1, if anything: a profile gives one answer.",
    "CompletionRequest.stop": "Not supported: an answer is given whole.",
    "CompletionRequest.tool_choice": "`auto` or `none`, if anything: a profile uses tools of its own only.",
    "CompletionRequest.function_call": "As `tool_choice`.",
    "CompletionRequest.response_format": "`text`, if anything: no other form can be promised.",
    "CompletionRequest.logprobs": "Not supported.",
    "CompletionRequest.modalities": "With `text` in it, if anything.",
    "CompletionRequest.store": "Keep question and answer in the conversation.",
    "Message.role": "Who says it.",
    "Message.content": "A text, or a list of parts.",
    "Part.type": "Which of the other fields is set.",
    "Part.text": "With the type `text`.",
    "Part.refusal": "With the type `refusal`.",
    "Part.image_url": "With the type `image_url`.",
    "Part.input_audio": "With the type `input_audio`.",
    "Part.file": "With the type `file`.",
    "ImageUrl.url": "An address, or a `data:` URL with the image in it.",
    "InputAudio.data": "Base64.",
    "InputAudio.format": "What it is.",
    "InputFile.file_data": "A `data:` URL with the file in it.",
    "InputFile.filename": "The file's name, without its folder.",
    "StreamOptions.include_usage": "The tokens, in a chunk of their own, if the function counts them.",
    "ResponseFormat.type": "`text`.",
    "UiMessageRequest.id": "The chat: a conversation.",
    "UiMessageRequest.messages": "The chat as the page shows it, the question last.",
    "UiMessageRequest.message": "The question alone; then the history is what the server keeps.",
    "UiMessageRequest.trigger": "Ask anew, or answer again what was asked.",
    "UiMessage.role": "Who says it.",
    "UiMessage.parts": "What is said.",
    "UiPart.type": "`text` or `file`; what a page has beside them is passed over.",
    "UiPart.text": "With the type `text`.",
    "UiPart.url": "With the type `file`: an address, or a `data:` URL with the file in it.",
    "UiPart.mediaType": "With the type `file`: as in `image/png`.",
    "UiPart.filename": "With the type `file`.",
    "type": "What kind of message this is.",
    "ref": "Your own reference: it comes back with whatever answers this.",
    "AuthMessage.token": "The token, when neither a header nor a subprotocol has said it.",
    "QueryOptions.door": "How the answer is shown.",
    "QueryOptions.idempotency_key": "As the header Idempotency-Key.",
    "stream_id": "Which stream.",
    "ResumeMessage.last_event_id": "The last `id` that was seen; without one, from the beginning.",
    "InputMessage.input": "As in `POST /api/streams/{stream_id}/input`.",
    "InputMessage.request_id": "The question's; may be left out while one is open and no more.",
}


def meaning_of(schema: str, field: str) -> str | None:
    """What the field of a request's schema means; None when it is not told here."""
    return REQUEST_FIELDS.get(f"{schema}.{field}", REQUEST_FIELDS.get(field))


def reference(name: str, room: str = "schemas") -> Payload:
    """A reference to one of the document's components."""
    return {"$ref": f"#/components/{room}/{name}"}


def event_schema(of_data: Payload) -> Payload:
    """The schema of an event stream: a text, in which the data of each event is JSON with the schema ``of_data``.

    ``contentSchema`` is what JSON Schema 2020-12 has for it (Validation, section 8.5); it is told, not enforced.
    """
    return {"type": "string", "contentMediaType": "text/event-stream", "contentSchema": of_data}
