"""`python -m app` is the command `ocop`."""

from app.cli import main

raise SystemExit(main())
