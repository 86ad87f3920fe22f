"""`python -m oxide_desktop` is the command `oxide`."""

from __future__ import annotations

from oxide_desktop.main import main

raise SystemExit(main())
