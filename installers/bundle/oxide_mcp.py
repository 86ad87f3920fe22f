"""The bundle's `oxide-mcp`."""

from oxide_desktop.fronts.mcp.shim import main

raise SystemExit(main())
