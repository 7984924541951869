"""What operators do beside the daily work: ask why, compare both sides, try again, clean up.

Commands, tasks and admin actions are a few lines each over these functions.
"""
