"""Bad input told to the clients of a web server that runs transforms, as MONAI Label does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def answered() -> Iterator[None]:
    """Raise a ValueError as one that FastAPI answers with status 400 and its text, where FastAPI is loaded.

    Any other error of a transform reaches the client as "Internal Server Error", without a word on the input. What is
    raised remains a ValueError.

    Source: https://fastapi.tiangolo.com/tutorial/handling-errors/.
    """
    try:
        yield
    except ValueError as error:
        fastapi = sys.modules.get("fastapi")
        if fastapi is None or isinstance(error, fastapi.HTTPException):
            raise
        raise _answer(fastapi.HTTPException, str(error)) from error


def _answer(http_error: type[Exception], text: str) -> ValueError:
    def init(self: Exception, message: str) -> None:
        http_error.__init__(self, 400, message)

    body = {"__init__": init, "__str__": lambda _: text, "__module__": __name__}
    made: type[ValueError] = type("InputError", (http_error, ValueError), body)
    return made(text)
