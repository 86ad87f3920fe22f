"""Errors as clients read them: the three sentences, or, below `/v1`, what OpenAI's clients expect."""

from __future__ import annotations

from http import HTTPStatus

from oxide_desktop.fronts.web.schemas import Json

OPENAI_PREFIX = "/v1"
_KINDS = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


def sentence(title: str, message: str, hint: str) -> str:
    """The three sentences as one or two, for clients that show one text."""
    return f"{title}: {message} {hint}".rstrip() if message else f"{title} {hint}".rstrip()


def error_body(title: str, message: str, hint: str, exit_code: int | None = None) -> Json:
    """The one shape of every error of the API: the three sentences, and all of them as one for simple clients.

    An error of the engine's brings the exit code that a command ends with.
    """
    told: Json = {"title": title, "message": message, "hint": hint}
    if exit_code is not None:
        told["exit_code"] = exit_code
    return {"error": told, "detail": sentence(title, message, hint)}


def openai_body(status: int, message: str, *, param: str | None = None, code: str | None = None) -> Json:
    """The shape of OpenAI's errors."""
    other = "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
    kind = next((kind for known, kind in _KINDS.items() if known == status), other)
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def is_for_openai(path: str) -> bool:
    """Whether clients of that address speak OpenAI's dialect."""
    return path == OPENAI_PREFIX or path.startswith(f"{OPENAI_PREFIX}/")


def body_for(path: str, status: int, title: str, message: str, hint: str) -> Json:
    """An error in the shape that clients of that address read."""
    if is_for_openai(path):
        return openai_body(status, sentence(title, message, hint))
    return error_body(title, message, hint)
