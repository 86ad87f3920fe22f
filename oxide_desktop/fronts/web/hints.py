"""What a client could have asked instead: told in the error itself, since the pages that tell it want the token."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.routing import compile_path

_ALL = "GET /openapi.json has every address."


def hint_for(request: Request) -> str:
    """For an address that is not there: the methods that it takes, or addresses like it."""
    path = request.scope["path"]
    addresses = request.app.openapi()["paths"]
    taken = {
        method.upper() for pattern, ways in addresses.items() if compile_path(pattern)[0].match(path) for method in ways
    }
    if methods := sorted(taken):
        return f"This address takes {', '.join(methods)}. {_ALL}"
    near = difflib.get_close_matches(path, sorted(addresses), n=3, cutoff=0.5)
    return f"There are {', '.join(near)}. {_ALL}" if near else _ALL


def expected_by(request: Request) -> str:
    """For a body that is not as it should be: what belongs into it."""
    route = request.scope.get("route")
    field = route.body_field if isinstance(route, APIRoute) else None
    kind = field.field_info.annotation if field else None
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"The body takes {', '.join(_named(kind))}. {_ALL}"
    return _ALL


def _named(kind: type[BaseModel]) -> Iterable[str]:
    return (f"{name} (required)" if item.is_required() else name for name, item in kind.model_fields.items())
