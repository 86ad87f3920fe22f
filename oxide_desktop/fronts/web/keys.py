"""Routes about API keys: their names, whether they are kept, and a way to keep or forget one. No answer holds a key."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from oxide_desktop.config.paths import Paths
from oxide_desktop.config.references import KEYRING, key_users
from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.settings import Settings
from oxide_desktop.fronts.web.schemas import ERRORS, NOT_FOUND, Json


class KeyBody(BaseModel):
    """A key to keep."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=10_000)


class KeyName(BaseModel):
    """A key by its name: whether Oxide keeps it, and which services are given it."""

    name: str
    kept: bool
    used_by: list[str]


class KeyList(BaseModel):
    """All that are kept or wanted by a service, and where they are kept."""

    keys: list[KeyName]
    place: str


class KeyChanged(BaseModel):
    """What was done."""

    name: str
    message: str


def keys_router(oxide: Orchestrator, paths: Paths) -> APIRouter:
    """The routes on the keys of these services."""
    router = APIRouter(prefix="/api/keys", tags=["services"], responses=ERRORS)

    @router.get("", response_model=KeyList)
    async def list_keys() -> Json:
        """The names of the keys, never the keys."""
        store = KeyStore(paths)
        kept, place = await asyncio.to_thread(lambda: (store.names(), store.place))
        return {"keys": _named(kept, oxide.settings), "place": place}

    @router.put("/{name}", response_model=KeyChanged)
    async def keep_key(name: str, body: KeyBody) -> Json:
        """Keep a key, in place of the one of that name. Services that use it are sent it from their next request on."""
        await asyncio.to_thread(KeyStore(paths).set, name, body.key)
        return {"name": name, "message": f"The key is kept. In the settings a service uses it by {KEYRING}{name}."}

    @router.delete("/{name}", response_model=KeyChanged, responses=NOT_FOUND)
    async def forget_key(name: str) -> Json:
        """Forget a key."""
        await asyncio.to_thread(KeyStore(paths).remove, name)
        return {"name": name, "message": "The key is forgotten."}

    return router


def _named(kept: tuple[str, ...], settings: Settings) -> list[Json]:
    users = key_users(settings.services.values())
    names = sorted({*kept, *users})
    return [{"name": name, "kept": name in kept, "used_by": users.get(name, ())} for name in names]
