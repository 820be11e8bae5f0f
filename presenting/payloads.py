"""Frames that say one thing as it is: ends, errors, tools, media, and what function and user say to each other."""

from __future__ import annotations

from collections.abc import Iterable

from streamchat.presenting.frames import Payload
from streamchat.presenting.sentences import Language, has_sentence, sentence
from streamchat.turns.events import (
    Ended,
    InputReceived,
    InputRequired,
    InteractionFact,
    Media,
    QuestionExpired,
    ToolCall,
    ToolResult,
    Usage,
)

MEDIA_PART_CHARACTERS = 65_536


def error_payload(error: str, code: str, *, status: str = "error", **fields: object) -> Payload:
    """The terminal frame for an error, and the body of one that came before the first frame."""
    return {"success": False, "error": error, "status": status, "is_complete": True, **fields, "code": code}


def processed_payload(lang: Language, *, seconds: float) -> Payload:
    """The answer is there, or its first piece; ``seconds`` is what the function took for it."""
    seconds = round(seconds, 1)
    return {
        "success": True,
        "data": "",
        "status": "processing_complete",
        "progress": 100,
        "message": sentence("processed", lang, seconds=seconds),
        "total_processing_time": seconds,
    }


def end_payload(ended: Ended, lang: Language, *, elapsed_seconds: float) -> Payload:
    """The terminal frame. ``elapsed_seconds`` is since the function began; who waited in vain is told."""
    if ended.cause == "complete":
        return {"success": True, "data": "", "status": "complete", "is_complete": True}
    error = sentence(ended.reason if has_sentence(ended.reason) else ended.code, lang)
    if ended.cause == "timeout":
        return error_payload(error, ended.code, status="timeout", elapsed_time=round(elapsed_seconds, 1))
    if ended.cause == "cancelled":
        return error_payload(error, ended.code, status="cancelled", worker=ended.worker)
    return error_payload(error, ended.code)


def report_payloads(fact: ToolCall | ToolResult | Media) -> Iterable[Payload]:
    """The frames of one fact: several for a media content that is too long for one."""
    match fact:
        case ToolCall(call_id=call_id, name=name, arguments=arguments):
            yield _report("tool_call", call_id=call_id, name=name, arguments=arguments)
        case ToolResult(call_id=call_id, name=name, result=result, is_error=is_error):
            yield _report("tool_result", call_id=call_id, name=name, result=result, is_error=is_error)
        case Media(content=None):
            yield _report("media", media_type=fact.media_type, url=fact.url, part=1, parts=1, alt=fact.alt)
        case Media(content=str(content)):
            starts = range(0, len(content) or 1, MEDIA_PART_CHARACTERS)
            for part, start in enumerate(starts, 1):
                piece = content[start : start + MEDIA_PART_CHARACTERS]
                yield _report(
                    "media",
                    media_type=fact.media_type,
                    content=piece,
                    part=part,
                    parts=len(starts),
                    alt=fact.alt,
                )


def interaction_payload(fact: InteractionFact) -> Payload:
    """The one frame of a question, an answer, or of something unasked."""
    match fact:
        case InputRequired(request_id=request_id, question=question, schema=schema):
            schemas = {} if schema is None else {"schema": schema}
            seconds = round(fact.expires_in, 1)
            return _report("input_required", request_id=request_id, question=question, **schemas, expires_in=seconds)
        case InputReceived(request_id=request_id):
            return _report("input_received", request_id=request_id)
        case QuestionExpired(request_id=request_id):
            return _report("input_expired", request_id=request_id)


def usage_payload(usage: Usage) -> Payload:
    """The frame of a count while the function runs."""
    return _report("usage", **token_counts(usage, is_complete=False))


def token_counts(usage: Usage, *, is_complete: bool) -> Payload:
    """The tokens so far; ``is_complete``: the function has come to its end, and these are all."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "complete": is_complete,
    }


def _report(status: str, **fields: object) -> Payload:
    return {"success": True, "data": "", "status": status, **fields}
