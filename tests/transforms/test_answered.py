"""Where FastAPI runs, it answers bad input by its text; elsewhere nothing changes."""

import sys
from types import ModuleType

import pytest

from iunet_med.transforms.answered import answered


class HTTPException(Exception):  # noqa: N818  (as FastAPI calls it)
    def __init__(self, status_code: int, detail: str) -> None:
        self.status_code, self.detail = status_code, detail


def test_without_fastapi_the_error_is_itself() -> None:
    error = ValueError("no such file")
    with pytest.raises(ValueError, match="no such file") as caught, answered():
        raise error
    assert caught.value is error


def test_with_fastapi_the_error_is_answered_and_still_a_value_error(monkeypatch: pytest.MonkeyPatch) -> None:
    fastapi = ModuleType("fastapi")
    fastapi.HTTPException = HTTPException
    monkeypatch.setitem(sys.modules, "fastapi", fastapi)
    error = ValueError("no such file")
    with pytest.raises(ValueError, match=r"^no such file$") as caught, answered():
        raise error
    assert isinstance(caught.value, HTTPException)
    assert (caught.value.status_code, caught.value.detail) == (400, "no such file")
    assert caught.value.__cause__ is error
    with pytest.raises(ValueError, match="no such file") as again, answered():
        raise caught.value
    assert again.value is caught.value
