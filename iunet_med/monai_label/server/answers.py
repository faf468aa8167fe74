"""Errors that reach the client in words, and leave the server as it is."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException
from monailabel.interfaces.exception import MONAILabelException

from iunet_med.datasets.problems import first_cause


@contextmanager
def answers() -> Iterator[None]:
    """Answer bad input with status 400 and its sentence; other errors remain the server's own, 500."""
    try:
        yield
    except HTTPException:
        raise
    except MONAILabelException as error:
        raise HTTPException(400, error.msg) from error
    except Exception as error:
        if isinstance(cause := first_cause(error), ValueError | OSError):
            raise HTTPException(400, str(cause)) from error
        raise


def sentence(error: BaseException) -> str:
    """Return what an error tells, without the status that FastAPI puts before it."""
    return str(error.detail if isinstance(error, HTTPException) else first_cause(error))
