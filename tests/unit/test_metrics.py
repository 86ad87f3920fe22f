"""How busy this machine is."""

from oxide_desktop.runtime.metrics import system_metrics


def test_figures_are_within_their_bounds():
    figures = system_metrics()
    assert 0 <= figures["cpu_percent"] <= 100
    assert 0 < figures["memory_percent"] <= 100
    assert 0 < figures["memory_used_mb"] < figures["memory_total_mb"]
