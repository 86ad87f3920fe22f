"""The answer view: Markdown of strangers, rendered as it comes, at a cost that does not grow, nothing loaded."""

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QTextFormat
from PySide6.QtWidgets import QApplication

from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.widgets.answer import AnswerView
from oxide_desktop.fronts.desktop.widgets.markdown import closing, fence_at_end


@pytest.fixture
def view(qapp: QApplication, qtbot) -> AnswerView:
    theme = Theme(qapp)
    made = AnswerView(theme)
    qtbot.addWidget(made)
    made.resize(600, 400)
    return made


def stream(view: AnswerView, text: str, step: int = 7) -> None:
    view.begin()
    for start in range(0, len(text), step):
        view.append_text(text[start : start + step])


def blocks(view: AnswerView) -> list[tuple[str, bool]]:
    found, block = [], view.document().begin()
    while block.isValid():
        found.append((block.text(), block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeFence)))
        block = block.next()
    return found


def test_markdown_is_rendered_while_it_comes(view: AnswerView):
    stream(view, "# Head\n\nSome **bold** text.\n\n```python\nx = 1")

    assert blocks(view) == [("Head", False), ("Some bold text.", False), ("x = 1", True)]


def test_a_long_answer_reads_the_same_streamed_as_at_once(view: AnswerView):
    text = "".join(f"## Part {n}\n\nWords of part {n}, and `code`.\n\n- one\n- two\n\n" for n in range(200))
    stream(view, text, 100)
    streamed = view.toPlainText().split()
    view.finish()

    assert streamed == view.toPlainText().split()
    assert view.text == text


def test_a_code_block_longer_than_what_is_rendered_anew_stays_one(view: AnswerView):
    lines = [f"line_{n} = {n}" for n in range(1500)]
    stream(view, "Before\n\n```python\n" + "\n".join(lines) + "\n```\n\nAfter", 100)

    told = [text for text, is_code in blocks(view) if is_code]
    assert [line for line in told if line] == lines
    assert blocks(view)[-1] == ("After", False)


def test_of_a_long_answer_only_the_end_is_rendered_anew(view: AnswerView):
    view.begin()
    for number in range(400):
        view.append_text(f"Some words of an answer that goes on, number {number}.\n\n")
        assert len(view._loose) <= 1_500

    assert view._firm > 10_000
    assert "number 0." in view.toPlainText()
    assert "number 399." in view.toPlainText()


def test_what_begins_where_the_text_was_parted_keeps_its_form(view: AnswerView):
    for begins in ("- one\n- two", "```\ncode\n```", "## Head", "> told"):
        filler = ("Words. " * 20 + "\n\n") * 22
        view.begin()
        view.append_text(filler)
        view._settle(len(view._loose))
        view.append_text(begins)
        last = view.document().lastBlock()
        alone = AnswerView(view._theme)
        alone.show_text(begins)
        expected = alone.document().lastBlock()
        assert (last.text(), bool(last.textList())) == (expected.text(), bool(expected.textList())), begins
        assert last.blockFormat().headingLevel() == expected.blockFormat().headingLevel(), begins
        assert last.blockFormat().background() == expected.blockFormat().background(), begins
        alone.deleteLater()


def test_what_comes_behind_an_answer_that_was_shown_so_far_goes_on_with_it(view: AnswerView):
    view.show_text("so ")
    view.append_text("far")
    view.append_text(" and on")

    assert blocks(view) == [("so far and on", False)]


def test_a_theme_that_changes_while_an_answer_comes_loses_nothing_of_it(view: AnswerView):
    stream(view, "# Head\n\nSome **bo")
    view._theme.changed.emit()
    view.append_text("ld** text.")

    assert blocks(view) == [("Head", False), ("Some bold text.", False)]


def test_who_reads_above_is_not_taken_to_the_end_when_more_comes_behind_what_was_shown(view: AnswerView):
    view.show()
    view.show_text("\n\n".join(f"Part {n}." for n in range(200)))
    view.verticalScrollBar().setValue(100)
    view.append_text("\n\nMore.")

    assert view.verticalScrollBar().value() == 100
    assert blocks(view)[-1] == ("More.", False)


def test_html_is_shown_and_not_obeyed(view: AnswerView):
    view.show_text("a <b>b</b> <script>x</script> <img src='http://e.org/x.png'>")

    assert "<b>b</b>" in view.toPlainText()
    assert "<script>" in view.toPlainText()
    assert "￼" not in view.toPlainText()


def test_a_picture_is_named_and_never_loaded(view: AnswerView):
    view.show_text("see ![the plan](file:///etc/hostname) and ![x](http://tracker.example/x.png)")

    assert view.toPlainText() == "see [the plan] and [x]"
    assert view.loadResource(2, QUrl("file:///etc/hostname")) is None


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "oxide:quit"])
def test_only_addresses_of_the_web_can_be_followed_and_none_by_itself(view: AnswerView, address: str):
    wanted: list[QUrl] = []
    view.link_wanted.connect(wanted.append)

    view.anchorClicked.emit(QUrl(address))
    assert wanted == []
    view.anchorClicked.emit(QUrl("https://example.org/"))
    assert wanted == [QUrl("https://example.org/")]


def test_a_theme_that_changes_draws_the_answer_again(view: AnswerView):
    view.show_text("some `code`")
    view._theme.changed.emit()

    assert view.toPlainText() == "some code"


@pytest.mark.parametrize(
    ("text", "open_fence"),
    [
        ("```py\nx", "```py"),
        ("```py\nx\n```\n", ""),
        ("~~~\n```\n", "~~~"),
        ("````\n```\n", "````"),
        ("plain", ""),
    ],
)
def test_an_open_code_block_is_known(text: str, open_fence: str):
    assert fence_at_end(text) == open_fence


def test_a_code_block_is_closed_by_what_opened_it():
    assert (closing("````py"), closing("~~~")) == ("````", "~~~")


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("```py\n" + "x" * 20_000, "x" * 20_000),
        ("~~~~\n" + "x" * 3_000 + "\n" + "y" * 9_000, "x" * 3_000 + "y" * 9_000),
        ("Before\n\n```sql\nselect 1\n" + "x" * 4_000 + "\n```\n\nAfter", "Beforeselect1" + "x" * 4_000 + "After"),
        ("```" + "y" * 5_000, None),
        ("`" * 5_000, None),
    ],
)
def test_a_line_of_any_length_at_a_code_block_holds_nothing_up(view: AnswerView, text: str, body: str | None):
    stream(view, text, 500)
    assert view.text == text
    assert body is None or "".join(view.toPlainText().split()) == body


def test_of_an_answer_longer_than_a_window_bears_the_beginning_is_shown_and_all_is_kept(view: AnswerView):
    text = "Some words.\n\n" * 60_000 + "```\ncode\n```\n\nThe very end."
    view.show_text(text)
    told = view.toPlainText()
    assert told.startswith("Some words.")
    assert told.endswith("Only the beginning is shown. Copy and Save have all of it.")
    assert 300_000 < len(told) < 500_000
    assert view.text == text
    view.append_text("More.")
    assert view.toPlainText() == told
    assert view.text.endswith("More.")


def test_what_is_not_gone_to_does_not_look_like_a_link(view: AnswerView):
    view.show_text("[there](https://example.org) [run](javascript:alert) [read](file:///etc/passwd) [near](other.md)")
    links, iterator = [], view.document().begin().begin()
    while not iterator.atEnd():
        fragment = iterator.fragment()
        if fragment.charFormat().isAnchor():
            links.append(fragment.text())
        iterator += 1
    assert links == ["there"]
    assert view.toPlainText() == "there run read near"


def test_text_cannot_be_turned_around_to_read_as_something_else(view: AnswerView):
    view.show_text("open exe\u202egnp.txt")
    assert view.toPlainText() == "open exe[U+202E]gnp.txt"


def test_that_only_the_beginning_is_shown_is_said_once_also_where_a_piece_ends_at_the_limit(view: AnswerView):
    view.begin()
    for _ in range(8):
        view.append_text("Word. " * 8_333 + "\n\n")
    assert len(view.text) == 400_000
    assert "Only the beginning" not in view.toPlainText()
    for _ in range(2):
        view.append_text("More.")
    assert view.toPlainText().count("Only the beginning is shown.") == 1
    assert "More." not in view.toPlainText()
