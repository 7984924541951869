"""Marketplaces from the developer platform: asked for by a schedule, stored, and seen by every worker."""
