"""Fields that several shapes of answers share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from streamchat.handlers.errors import STATUS_OF

Code = Annotated[str, WithJsonSchema({"type": "string", "enum": list(STATUS_OF), "description": "Which error it is."})]
Percent = Annotated[float, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(description="Seconds.")]
StreamId = Annotated[str, Field(examples=["st_2Zkz"])]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Done(TypedDict):
    """What every JSON answer of the doors' own begins with, when all is well."""

    success: Literal[True]
