"""The window in the person's language, where there is a translation: a file `oxide_LANGUAGE.qm`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

_NAME, _NAME_OF_QT = "oxide", "qtbase"


def speak_it(application: QCoreApplication, folders: Iterable[Path], locale: QLocale | None = None) -> bool:
    """Install the first translation that fits, and Qt's own for its dialogs; whether there is one.

    Without ours Qt's is left out, too: a window in two languages is worse than one in English.

    Args:
        application: Keeps what is installed.
        folders: Where to look, in this order.
        locale: What the person speaks; what the system says unless named.
    """
    spoken = locale or QLocale.system()
    if not any(_install(application, spoken, _NAME, folder) for folder in folders):
        return False
    _install(application, spoken, _NAME_OF_QT, Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)))
    return True


def _install(application: QCoreApplication, locale: QLocale, name: str, folder: Path) -> bool:
    translator = QTranslator(application)
    return translator.load(locale, name, "_", str(folder), ".qm") and application.installTranslator(translator)
