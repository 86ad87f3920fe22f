"""How each kind of service is spoken to."""
