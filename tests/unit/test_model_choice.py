from __future__ import annotations

import pytest

from oxide_desktop.adapters.models import Choice, ModelChoice, listed, recommend
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.model import Locality
from oxide_desktop.core.settings import ServiceSettings, ServiceType

QWEN, CODESTRAL, DEEPSEEK = "qwen/qwen2.5-coder-14b", "mistralai/codestral-22b", "deepseek/deepseek-r1"


class Offer:
    """A list of models that counts how often it is asked for."""

    def __init__(self, *names: str, error: ServiceError | None = None) -> None:
        self.names = names
        self.error = error
        self.asked = 0

    async def __call__(self) -> tuple[str, ...]:
        self.asked += 1
        if self.error:
            raise self.error
        return self.names


def choice(offer: Offer, **settings: object) -> ModelChoice:
    return ModelChoice(ServiceSettings(name="lab", type=ServiceType.HTTP, kind="openai_compatible", **settings), offer)


@pytest.mark.parametrize(
    ("preferred", "expected"),
    [
        ([DEEPSEEK, "qwen"], DEEPSEEK),
        (["qwen", DEEPSEEK], DEEPSEEK),  # any exact match comes before any partial one
        (["coder"], QWEN),
        (["CODESTRAL"], CODESTRAL),
        (["llama", "deepseek"], DEEPSEEK),
        (["llama"], CODESTRAL),
        ([], CODESTRAL),
    ],
)
def test_exact_comes_before_partial_before_first(preferred: list[str], expected: str) -> None:
    assert recommend([CODESTRAL, QWEN, DEEPSEEK], preferred) == expected


def test_a_model_that_cannot_chat_is_chosen_only_by_its_own_name() -> None:
    offered = ["text-embedding-nomic-embed-text-v1.5", "llama3"]
    assert recommend(offered) == "llama3"
    assert recommend(offered, ["nomic"]) == "llama3"
    assert recommend(offered, ["text-embedding-nomic-embed-text-v1.5"]) == offered[0]
    assert recommend(offered[:1]) is None


@pytest.mark.parametrize(
    ("wanted", "model"),
    [(QWEN, QWEN), (QWEN.upper(), QWEN), ("coder", QWEN), ("CODESTRAL", CODESTRAL), ("llama3", "llama3:latest")],
)
async def test_a_model_the_caller_insists_on_may_be_named_by_a_part_that_fits_one(wanted: str, model: str) -> None:
    offer = Offer(CODESTRAL, QWEN, DEEPSEEK, "llama3:8b", "llama3:latest", "coder-embed")
    chosen = await choice(offer, model=DEEPSEEK).choose(wanted)
    assert chosen.model == model
    assert chosen.note == ("" if model.casefold().startswith(wanted.casefold()) else f"{wanted} is taken as {model}.")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("gpt-9", "It has a-coder, b-coder, mini."),
        ("coder", "That fits a-coder, b-coder."),
    ],
)
async def test_a_wish_that_fits_none_or_several_is_refused_with_what_there_is(wanted: str, why: str) -> None:
    with pytest.raises(ServiceError, match=f"lab .* {wanted}") as error:
        await choice(Offer("a-coder", "b-coder", "mini")).choose(wanted)
    assert error.value.kind is FailureKind.MISSING
    assert error.value.about_request
    assert error.value.message == why
    assert "`oxide services models lab`" in error.value.hint


async def test_a_wish_that_is_new_since_the_list_was_asked_for_is_found() -> None:
    offer = Offer("old")
    models = choice(offer)
    await models.names()
    offer.names = ("old", "new")
    assert await models.choose("new") == Choice("new")


async def test_a_gateway_whose_list_has_a_pattern_is_given_what_fits_it() -> None:
    assert await choice(Offer("anthropic/*", "mini")).choose("anthropic/claude") == Choice("anthropic/claude")
    with pytest.raises(ServiceError, match="does not have"):
        await choice(Offer("anthropic/*", "mini")).choose("openai/gpt-9")


@pytest.mark.parametrize("offer", [Offer(), Offer(error=ServiceError(FailureKind.TRANSIENT, "no list"))])
async def test_a_wish_is_passed_on_to_a_service_that_has_no_list(offer: Offer) -> None:
    assert await choice(offer).choose("mine") == Choice("mine")


async def test_a_part_of_a_name_does_not_lead_to_another_machine() -> None:
    models = choice(Offer("gpt-oss:120b-cloud"), locality=Locality.LOCAL)
    with pytest.raises(ServiceError, match="not asked for gpt-oss:120b-cloud") as error:
        await models.choose("gpt-oss")
    assert error.value.kind is FailureKind.HELD


async def test_model_comes_before_default_model_before_what_is_detected() -> None:
    offer = Offer("first", "set", "default")
    assert (await choice(offer, model="set", default_model="default").choose(None)).model == "set"
    assert (await choice(offer, default_model="default").choose(None)).model == "default"
    assert (await choice(offer).choose(None)).model == "first"


async def test_detection_is_on_unless_it_is_switched_off() -> None:
    """An ancestor left it off without a word."""
    assert (await choice(Offer("there"), model=None, default_model=None).choose(None)).model == "there"
    with pytest.raises(ServiceError, match="auto_detect_model is off") as error:
        await choice(Offer("there"), auto_detect_model=False).choose(None)
    assert error.value.kind is FailureKind.MISSING


async def test_a_configured_model_that_is_not_on_offer_is_replaced_and_said_so() -> None:
    chosen = await choice(Offer("a", "b-coder"), model="gone", preferred_models=("coder",)).choose(None)
    assert chosen.model == "b-coder"
    assert chosen.note == "lab does not offer gone; b-coder is used instead."


async def test_a_configured_model_is_used_as_it_is_where_detection_is_off() -> None:
    offer = Offer("other")
    assert await choice(offer, model="gone", auto_detect_model=False).choose(None) == Choice("gone")
    assert offer.asked == 0


async def test_an_ollama_name_without_its_tag_means_the_latest() -> None:
    assert await choice(Offer("llama3:8b", "llama3:latest"), model="llama3").choose(None) == Choice("llama3:latest")


@pytest.mark.parametrize("kind", [FailureKind.TRANSIENT, FailureKind.TIMEOUT])
async def test_a_list_that_cannot_be_had_does_not_stop_a_configured_model(kind: FailureKind) -> None:
    assert await choice(Offer(error=ServiceError(kind, "no list")), model="set").choose(None) == Choice("set")


@pytest.mark.parametrize("kind", [FailureKind.MISSING, FailureKind.AUTH])
async def test_a_service_that_is_down_or_refuses_the_key_fails_at_the_list_already(kind: FailureKind) -> None:
    with pytest.raises(ServiceError, match="no list"):
        await choice(Offer(error=ServiceError(kind, "no list")), model="set").choose(None)


async def test_an_empty_list_does_not_stop_a_configured_model() -> None:
    assert await choice(Offer(), model="set").choose(None) == Choice("set")


@pytest.mark.parametrize(("names", "why"), [((), "no model"), (("embed-1",), "no model that can chat")])
async def test_without_a_model_to_use_the_error_says_what_to_do(names: tuple[str, ...], why: str) -> None:
    with pytest.raises(ServiceError, match=why) as error:
        await choice(Offer(*names)).choose(None)
    assert error.value.kind is FailureKind.MISSING
    assert "services.lab.model" in error.value.hint


async def test_the_list_is_asked_for_once_in_a_while_and_again_when_it_was_wrong() -> None:
    offer = Offer("a")
    models = choice(offer)
    await models.choose(None)
    await models.choose(None)
    assert offer.asked == 1
    models.forget()
    await models.choose(None)
    assert offer.asked == 2


async def test_an_empty_list_is_not_kept() -> None:
    offer = Offer()
    models = choice(offer)
    assert await models.names() == ()
    offer.names = ("loaded-since",)
    assert await models.names() == ("loaded-since",)


def test_a_long_list_is_shortened_for_a_sentence() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(number) for number in range(11)]).endswith("7 and 3 more")
