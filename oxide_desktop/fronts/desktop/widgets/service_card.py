"""One service on the Services page: what it is, how far it works, how quick it was, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QProgressBar, QVBoxLayout, QWidget

from oxide_desktop.core.health import Health, ServiceStatus, Tier
from oxide_desktop.core.model import Locality
from oxide_desktop.core.quota import TodaysUse
from oxide_desktop.core.settings import ServiceType, without_userinfo
from oxide_desktop.core.speed import Speed
from oxide_desktop.fronts.desktop.sentences import engine_words, span, tr
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, label, row, set_kind
from oxide_desktop.fronts.desktop.widgets.pull_line import PullLine
from oxide_desktop.fronts.desktop.widgets.tier_dots import TierDots
from oxide_desktop.fronts.desktop.wording import money

_KEYED = ("gemini", "qwen", "openai_compatible", "command")


class ServiceCard(QFrame):
    """Signals what the person wants of the service; what is found out is told to it.

    Signals:
        test_wanted: A real question should be asked.
        start_wanted: Its server should be started.
        key_wanted: Its key should be set.
        check_wanted: It should be looked at again.
    """

    test_wanted = Signal()
    start_wanted = Signal()
    key_wanted = Signal()
    check_wanted = Signal()

    def __init__(self, theme: Theme, status: ServiceStatus, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = status.settings.name
        self.setProperty("kind", "card")
        self.setAccessibleName(self.name)
        self._speed = Speed()
        self._use: TodaysUse | None = None
        self.about = label(kind="soft", wrap=True)
        self.dots = TierDots(theme)
        self.figures = label(kind="faint", wrap=True)
        self.trouble = label(kind="warn", wrap=True)
        self.remedy = label(kind="soft", wrap=True)
        self.fix_button = button("", self._fix)
        self.said = label(kind="soft", wrap=True)
        self.quota = QProgressBar()
        self.quota.setTextVisible(False)
        self.quota_words = label(kind="faint")
        self.pull = PullLine(theme, self.name)
        self._make_actions()
        self._lay_out()
        self.show_status(status)

    def _make_actions(self) -> None:
        of = f" {self.name}"
        self.test_button = button(self.tr("Test"), self.test_wanted.emit, "link", name=self.tr("Test") + of)
        self.key_button = button(self.tr("Key…"), self.key_wanted.emit, "link", name=self.tr("Key of") + of)
        self.pull_button = button(
            self.tr("Pull a model…"), self._open_pull, "link", name=self.tr("Pull a model for") + of
        )

    def _lay_out(self) -> None:
        head = row(label(self.name, "strong"), self.about, self.dots)
        head.setStretch(1, 1)
        self._trouble = QWidget()
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.trouble)
        texts.addWidget(self.remedy)
        trouble = row(texts, self.fix_button)
        trouble.setStretch(0, 1)
        self._trouble.setLayout(trouble)
        self._quota = QWidget()
        quota = row(self.quota, self.quota_words)
        quota.setStretch(0, 1)
        self._quota.setLayout(quota)
        foot = row(self.figures, self.pull_button, self.key_button, self.test_button, gap=spacing("step"))
        foot.setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(spacing("between"), 12, 12, 8)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._trouble)
        column.addWidget(self._quota)
        column.addLayout(foot)
        column.addWidget(self.said)
        column.addWidget(self.pull)
        for part in (self._trouble, self._quota, self.said, self.pull):
            part.setVisible(False)

    # -- what the page tells -----------------------------------------------------------------------

    def show_status(self, status: ServiceStatus) -> None:
        """What was last found."""
        self.status = status
        settings, health = status.settings, status.health
        self.about.setText(" · ".join(_about(status)))
        self.dots.show_status(status)
        self.key_button.setVisible(settings.kind in _KEYED)
        self.pull_button.setVisible(settings.kind == "ollama")
        usable = health is None or health.failing in (None, Tier.ANSWERS)
        self.test_button.setEnabled(usable and status.info is not None)
        self._trouble.setVisible(bool(health and health.failing))
        if health and health.failing:
            # What is not installed was perhaps never wanted: no alarm.
            set_kind(self.trouble, "soft" if health.failing is Tier.INSTALLED else "warn")
            message = engine_words(health.message)
            self.trouble.setText(message if health.failing is Tier.INSTALLED else f"⚠ {message}")
            self.remedy.setText(engine_words(health.fix))
            self.remedy.setVisible(bool(health.fix))
            self.fix_button.setText(self._fix_words(health))
            self.fix_button.setAccessibleName(f"{self.fix_button.text()} {self.name}")
        self._show_figures()

    def show_speed(self, speed: Speed) -> None:
        """How quick it was of late."""
        self._speed = speed
        self._show_figures()

    def show_use(self, use: TodaysUse) -> None:
        """What it was sent today, and what is left of its quota."""
        self._use = use
        per_day = self.status.settings.quota.per_day if self.status.settings.quota else None
        self._quota.setVisible(per_day is not None)
        if per_day is not None:
            self.quota.setMaximum(per_day)
            self.quota.setValue(min(use.use.requests, per_day))
            words = tr("%1 of %2 requests today").replace("%1", f"{use.use.requests:,}")
            self.quota_words.setText(words.replace("%2", f"{per_day:,}"))
            self.quota.setAccessibleName(self.quota_words.text())
        self._show_figures()

    def say(self, sentence: str, kind: str = "soft") -> None:
        """How something that was asked for went."""
        self.said.setText(sentence)
        set_kind(self.said, kind)
        self.said.setVisible(bool(sentence))

    def set_busy(self, *, busy: bool) -> None:
        """Something is being done with the service."""
        for made in (self.test_button, self.fix_button):
            made.setEnabled(not busy)
        if not busy:
            self.show_status(self.status)

    def _show_figures(self) -> None:
        speed, use = self._speed, self._use.use if self._use else None
        first, rate = speed.first_text_s, speed.tokens_per_s
        parts = [
            tr("%1 to first text").replace("%1", span(first)) if first is not None else "",
            tr("%1 tokens a second").replace("%1", f"{rate:,.0f}") if rate is not None else "",
            tr("%n request(s) today", use.requests) if use and self._quota.isHidden() else "",
            tr("cost %1 today").replace("%1", money(use.cost)) if use and use.cost else "",
        ]
        self.figures.setText(" · ".join(part for part in parts if part))
        self.figures.setToolTip(tr("medians of the last %n answer(s)", speed.answers) if speed.answers else "")

    # -- what the person does ----------------------------------------------------------------------

    def _fix_words(self, health: Health) -> str:
        if self._can_start(health):
            return self.tr("Start Ollama")
        if self._needs_key(health):
            return self.tr("Add key…")
        return self.tr("Try again")

    def _fix(self) -> None:
        health = self.status.health
        if health and self._can_start(health):
            self.start_wanted.emit()
        elif health and self._needs_key(health):
            self.key_wanted.emit()
        else:
            self.check_wanted.emit()

    def _can_start(self, health: Health) -> bool:
        settings = self.status.settings
        return settings.kind == "ollama" and settings.locality is Locality.LOCAL and health.failing is Tier.STARTS

    def _needs_key(self, health: Health) -> bool:
        return health.failing is Tier.AUTHENTICATED and self.status.settings.kind in _KEYED

    def _open_pull(self) -> None:
        self.pull.setVisible(True)
        self.pull.model.setFocus()


def _about(status: ServiceStatus) -> list[str]:
    """Where it is, what it is, and its model."""
    settings, health = status.settings, status.health
    if settings.type is ServiceType.CLI:
        where = settings.executable or settings.kind
    elif settings.kind == "builtin":
        where = tr("comes with Oxide")
    else:
        where = without_userinfo(settings.base_url or "").removeprefix("http://").removeprefix("https://")
    model = settings.model or (health.recommended_model if health else None) or settings.default_model
    models = tr("%n model(s)", len(health.models)) if health and len(health.models) > 1 else ""
    local = tr("local") if settings.locality is Locality.LOCAL else tr("cloud")
    version = health.version if health else None
    return [part for part in (local, where + (f" {version}" if version else ""), model or "", models) if part]
