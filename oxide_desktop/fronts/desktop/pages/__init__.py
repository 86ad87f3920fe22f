"""The pages of the main window; `catalogue` lists them."""
