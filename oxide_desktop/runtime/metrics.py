"""How busy this machine is."""

from __future__ import annotations


def system_metrics() -> dict[str, float]:
    """Processor and memory now. The processor's figure is the mean since the last call; the first one is 0."""
    import psutil  # noqa: PLC0415 - 55 ms, when first asked

    memory = psutil.virtual_memory()
    return {
        "cpu_percent": psutil.cpu_percent(interval=None),
        "memory_percent": memory.percent,
        "memory_used_mb": round((memory.total - memory.available) / 2**20),
        "memory_total_mb": round(memory.total / 2**20),
    }
