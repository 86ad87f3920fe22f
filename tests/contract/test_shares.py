"""The shares of an analysis in the history: found by id, kept out of lists and figures, gone with their analysis."""

from __future__ import annotations

import dataclasses

import pytest

from oxide_desktop.core.errors import NotFoundError, StoreError, UsageError
from oxide_desktop.core.model import Analysis
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.receipts import FileReceipt, ReadStatus
from oxide_desktop.core.record import TaskStatus
from tests.fakes.history_program import open_history, running, task


@pytest.fixture
async def history(tmp_path):
    opened = await open_history(tmp_path)
    yield opened
    await opened.aclose()


@pytest.fixture
async def analysed(history):
    """A history with an analysis and two of its shares, one of which runs."""
    receipt = (FileReceipt("a.py", ReadStatus.READ, service="qwen", task_id="share-1"),)
    await history.add(dataclasses.replace(task("analysis"), analysis=Analysis(workers=2), receipt=receipt))
    await history.add(dataclasses.replace(task("share-1"), parent="analysis"))
    await history.add(dataclasses.replace(running("share-2"), parent="analysis"))
    return history


async def test_an_analysis_comes_back_with_its_receipt(analysed):
    record = await analysed.get("analysis")
    assert record.analysis == Analysis(workers=2)
    assert record.receipt == (FileReceipt("a.py", ReadStatus.READ, service="qwen", task_id="share-1"),)


async def test_a_share_is_found_by_its_id_and_by_the_start_of_it(analysed):
    assert (await analysed.get("share-1")).parent == "analysis"
    with pytest.raises(NotFoundError, match="More than one id"):
        await analysed.get("shar")


async def test_shares_are_in_no_list_no_search_and_no_figure(analysed):
    page = await analysed.list(TaskFilter())
    assert [record.id for record in page.tasks] == ["analysis"]
    assert page.total == 1
    prompt = (await analysed.get("share-1")).prompt
    found = await analysed.list(TaskFilter(text=prompt))
    assert "share-1" not in [record.id for record in found.tasks]
    assert (await analysed.statistics()).total_tasks == 1


async def test_a_share_s_record_is_replaced_like_any_other(analysed):
    ended = dataclasses.replace(await analysed.get("share-2"), status=TaskStatus.COMPLETED, result="done")
    await analysed.save(ended)
    assert await analysed.get("share-2") == ended


async def test_a_share_is_neither_stored_twice_nor_changed_before_it_is_there(analysed):
    with pytest.raises(StoreError, match="already a task share-1"):
        await analysed.add(dataclasses.replace(task("share-1"), parent="analysis"))
    with pytest.raises(NotFoundError):
        await analysed.save(dataclasses.replace(task("share-3"), parent="analysis"))


async def test_shares_go_with_their_analysis_and_not_alone(analysed):
    with pytest.raises(UsageError, match="belongs to the analysis analysis"):
        await analysed.delete("share-1")
    await analysed.delete("analysis")
    with pytest.raises(NotFoundError):
        await analysed.get("share-1")


async def test_clearing_the_history_clears_shares(analysed):
    await analysed.clear()
    with pytest.raises(NotFoundError):
        await analysed.get("share-2")
