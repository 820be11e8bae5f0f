"""Every sentence a client may show, in Chinese and in English, under one name each."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]

_SENTENCES: dict[str, tuple[str, str]] = {
    "initializing": ("正在初始化连接...", "Initializing the connection..."),
    "begin": ("正在处理您的请求...", "Processing your request..."),
    "begin_advanced": ("正在初始化处理...", "Preparing to process..."),
    "analyse_request": ("正在分析您的请求...", "Analysing your request..."),
    "analyse": ("正在分析用户请求...", "Analysing the request..."),
    "retrieve": ("正在检索相关信息...", "Looking for related information..."),
    "generate": ("正在生成回复内容...", "Writing the answer..."),
    "refine": ("正在优化回复质量...", "Improving the answer..."),
    "finish": ("正在完成最终处理...", "Finishing..."),
    "process": ("正在处理中...", "Still processing..."),
    "wait": ("请稍候...", "One moment, please..."),
    "prepare": ("正在准备回复...", "Preparing the answer..."),
    "arrange": ("正在整理信息...", "Putting it in order..."),
    "queued": ("正在排队，前面还有 {ahead} 个请求...", "Waiting in line, {ahead} ahead of you..."),
    "processed": ("处理完成 (耗时 {seconds}秒)，正在发送回复...", "Done (in {seconds} s), sending the answer..."),
    # Errors, under the codes of the wire contract.
    "invalid_request": ("请求无效：{field} {problem}", "Invalid request: {field} {problem}"),
    "unauthorized": ("未授权：缺少令牌或令牌无效", "Unauthorized: no token, or not a valid one"),
    "profile_not_found": ("User profile not found", "User profile not found"),
    "stream_not_found": ("找不到该数据流", "No such stream"),
    "conversation_not_found": ("找不到该对话", "No such conversation"),
    "not_found": ("找不到该地址", "Nothing lives at this address"),
    "origin_not_allowed": (
        "不允许来自该网站的页面连接",
        "Pages of this origin may not connect here",
    ),
    "method_not_allowed": ("此地址不支持该方法", "This address does not take that method"),
    "body_too_large": (
        "请求内容过大，上限为 {limit} 字节（{option}）",
        "This is too large; the limit is {limit} bytes ({option})",
    ),
    "unsupported_media_type": ("请求必须是 application/json", "The request must be application/json"),
    "attachment_unavailable": ("无法获取附件", "An attachment could not be fetched"),
    "attachment_unreachable": (
        "无法获取附件：其地址无法访问",
        "An attachment could not be fetched: its URL does not give it",
    ),
    "attachment_too_large": ("无法获取附件：文件过大", "An attachment could not be fetched: it is too large"),
    "attachment_wrong_type": (
        "无法获取附件：文件类型不被接受",
        "An attachment could not be fetched: it is not of a type that is taken",
    ),
    "stream_gone": ("该数据流已结束并被清除", "This stream has finished and is forgotten"),
    "conversation_busy": (
        "该对话中还有问题正在处理",
        "An earlier question of this conversation is still being answered",
    ),
    "no_input_expected": ("现在不需要输入", "Nothing waits for input now"),
    "rate_limited": ("已达到上限：{limit}", "The limit is reached: {limit}"),
    "processing_error": ("处理过程中发生错误", "An error occurred while processing"),
    "not_text": ("处理过程中发生错误：返回的内容不是文本", "An error occurred: what came back is not text"),
    "too_long": ("处理过程中发生错误：回复过长", "An error occurred: the answer is too long"),
    "died": ("处理过程中发生错误：处理进程意外退出", "An error occurred: the worker process died"),
    "internal_error": ("服务器内部错误", "Internal server error"),
    "overloaded": ("服务繁忙，请稍后重试", "Busy, please try again later"),
    "shutting_down": ("服务正在关闭，请稍后重试", "The server is shutting down, please try again later"),
    "timeout": ("处理超时，请稍后重试", "Processing timed out, please try again later"),
    "cancelled": ("已取消", "Cancelled"),
    "interrupted": ("已被同一对话中的新问题取代", "A newer question of this conversation took its place"),
}


def sentence(name: str, lang: Language, **values: object) -> str:
    """The sentence called ``name``; KeyError when there is none."""
    zh, en = _SENTENCES[name]
    return (en if lang == "en" else zh).format(**values) if values else (en if lang == "en" else zh)


def has_sentence(name: str) -> bool:
    """Whether there is a sentence called ``name``."""
    return name in _SENTENCES
