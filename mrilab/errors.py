"""The one exception that people see as a sentence instead of a traceback."""


class UserError(Exception):
    """What is wrong and what to do about it, in one sentence. The command line prints it and exits with code 2."""
