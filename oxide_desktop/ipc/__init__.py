"""The local socket between Oxide and its own clients."""
