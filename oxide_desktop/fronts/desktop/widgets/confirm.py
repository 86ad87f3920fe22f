"""A question before something that cannot be undone: what will happen, and the verb on the button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from oxide_desktop.fronts.desktop.widgets.basics import set_kind


def confirm(parent: QWidget, question: str, consequence: str, verb: str, agreed: Callable[[], object]) -> QMessageBox:
    """Ask, without holding up the loop; Escape and the window's cross change nothing.

    Args:
        parent: Whose window it stands before.
        question: What is about to happen, as a question.
        consequence: What that means.
        verb: What the button says that does it.
        agreed: Called once if the person wants it.
    """
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Oxide", question, parent=parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(consequence)
    wanted = box.addButton(verb, QMessageBox.ButtonRole.DestructiveRole)
    keep = box.addButton(QCoreApplication.translate("Confirm", "Keep"), QMessageBox.ButtonRole.RejectRole)
    set_kind(wanted, "danger")
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    wanted.clicked.connect(lambda: agreed())  # noqa: PLW0108 - Qt would hand it `checked`
    box.open()
    return box
