"""The customer's own page: what is shared, how it stands, and the switches."""
