"""The bundle's `oxide`: the command line, the tray app, and the children that it starts of itself."""

from oxide_desktop.main import main

raise SystemExit(main())
