"""Markdown of strangers as a document: no HTML, no pictures, code told apart, with room to breathe."""

from __future__ import annotations

import re

from PySide6.QtGui import (
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextDocumentFragment,
    QTextFormat,
    QTextFrameFormat,
    QTextTable,
)

from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import tokens

_DIALECT = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)[^\n]*$", re.MULTILINE)
_PICTURE = "￼"
_MARGIN_PX = 6
_CODE_SIZE = 0.95
LINKS = ("http://", "https://")
# These turn what follows around, so that it reads as something else: they are named instead.
_OVERRIDE = re.compile("[\u202d\u202e]")


def put_at_end(document: QTextDocument, text: str, theme: Theme, size_pt: float) -> None:
    """Add Markdown as blocks of their own below what is there.

    What a person reads of it is all there; nothing in it is loaded or runs.
    """
    rendered = QTextDocument()
    rendered.setMarkdown(_OVERRIDE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text), _DIALECT)
    _name_pictures(rendered)
    _dress(rendered, theme, size_pt)  # where nobody looks: each change to a document that is shown lays it out again
    cursor = QTextCursor(document)
    cursor.beginEditBlock()
    cursor.movePosition(QTextCursor.MoveOperation.End)
    if document.characterCount() > 1:
        cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
    first = cursor.position()
    cursor.insertFragment(QTextDocumentFragment(rendered))
    if not rendered.begin().textList():  # a fragment's first block takes over the format of the block it comes into
        QTextCursor(document.findBlock(first)).setBlockFormat(rendered.begin().blockFormat())
    cursor.endEditBlock()


def fence_at_end(text: str) -> str:
    """The line that opened the code block in which `text` ends; empty where it does not."""
    opened = ""
    for found in _FENCE.finditer(text):
        marks = found[1]
        if not opened:
            opened = found[0]
        elif marks.startswith(closing(opened)) and found[0].strip() == marks:
            opened = ""
    return opened


def closing(fence: str) -> str:
    """The line that closes the code block which `fence` opened."""
    marks = re.match(r"[`~]+", fence.strip())
    return marks[0] if marks else "```"


def _name_pictures(document: QTextDocument) -> None:
    """A picture is named and not shown: to load it would tell somebody that the answer was read."""
    cursor = document.find(_PICTURE)
    while not cursor.isNull():
        image = cursor.charFormat().toImageFormat()
        name = image.property(QTextFormat.Property.ImageAltText) or image.name()
        cursor.insertText(f"[{name}]", QTextCharFormat())
        cursor = document.find(_PICTURE, cursor)


def _dress(document: QTextDocument, theme: Theme, size_pt: float) -> None:
    code = theme.code_font(size_pt * _CODE_SIZE)
    block = document.begin()
    while block.isValid():
        _dress_block(block, theme, code)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _dress_table(frame, theme)


def _dress_table(table: QTextTable, theme: Theme) -> None:
    look = table.format()
    look.setBorderCollapse(True)
    look.setBorder(1)
    look.setBorderBrush(theme.colour("line"))
    look.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    look.setCellPadding(_MARGIN_PX)
    look.setTopMargin(_MARGIN_PX)
    look.setBottomMargin(_MARGIN_PX)
    table.setFormat(look)


def _dress_block(block: QTextBlock, theme: Theme, code: QFont) -> None:
    format_ = QTextBlockFormat(block.blockFormat())
    cursor = QTextCursor(block)
    if _is_code(block):
        _dress_code(block, format_, theme, code)
    else:
        proportional = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
        format_.setLineHeight(tokens().type["line_height"] * 88, proportional)
        heading = bool(format_.headingLevel())
        format_.setTopMargin(_MARGIN_PX * 2 if heading and block.blockNumber() else _MARGIN_PX / 2)
        format_.setBottomMargin(_MARGIN_PX if not block.textList() else 0)
        _dress_words(block, theme, code)
    cursor.setBlockFormat(format_)


def _is_code(block: QTextBlock) -> bool:
    return block.isValid() and block.blockFormat().hasProperty(QTextFormat.Property.BlockCodeFence)


def _dress_code(block: QTextBlock, format_: QTextBlockFormat, theme: Theme, code: QFont) -> None:
    format_.setBackground(theme.colour("code"))
    format_.setLeftMargin(0)
    format_.setTopMargin(0 if _is_code(block.previous()) else _MARGIN_PX)
    format_.setBottomMargin(0 if _is_code(block.next()) else _MARGIN_PX)
    format_.setNonBreakableLines(False)  # a long line is wrapped rather than hidden
    cursor = QTextCursor(block)
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
    look = QTextCharFormat()
    look.setFont(code)
    look.setForeground(theme.colour("text"))
    cursor.setCharFormat(look)


def _dress_link(look: QTextCharFormat, format_: QTextCharFormat, theme: Theme) -> None:
    """An address of the web; any other is not gone to, so it does not look as if it were."""
    if format_.anchorHref().startswith(LINKS):
        look.setForeground(theme.colour("accent"))
    else:
        look.setAnchor(False)
        look.setAnchorHref("")
        look.setForeground(theme.colour("text"))
        look.setFontUnderline(False)


def _dress_words(block: QTextBlock, theme: Theme, code: QFont) -> None:
    """Code within a line and links look like what they are; all else keeps what Markdown gave it."""
    spans = []
    iterator = block.begin()
    while not iterator.atEnd():
        fragment = iterator.fragment()
        format_ = fragment.charFormat()
        if format_.fontFixedPitch() or format_.isAnchor():
            spans.append((fragment.position(), fragment.length(), format_))
        iterator += 1
    for position, length, format_ in spans:
        cursor = QTextCursor(block.document())
        cursor.setPosition(position)
        cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
        look = QTextCharFormat()
        if format_.fontFixedPitch():
            look.setFont(code)
            look.setBackground(theme.colour("code"))
        if format_.isAnchor():
            _dress_link(look, format_, theme)
        cursor.mergeCharFormat(look)
