"""Where settings, keys, files and logs come from."""
