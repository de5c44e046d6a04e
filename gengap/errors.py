"""The user's mistakes: shown as one line that says what to type, never as a traceback."""


class UserError(Exception):
    """A mistake in what the user asked for; its text is the one line shown."""
