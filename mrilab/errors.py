"""The one exception that people see as a sentence instead of a traceback."""


class UserError(Exception):
    """What is wrong and what to do about it, in one sentence.

    The command line prints the message to stderr and exits with code 2; in a notebook it reads as
    the last line of the traceback.
    """
