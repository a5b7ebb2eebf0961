"""The base of what is checked but not rendered yet: pydantic takes it as it is."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

# Marks in a JSON Schema what one of the definitions stands for; pydantic resolves references of its own only.
SCHEMA_KEY = "x-definition"


class Spec:
    """What a Node holds without looking into it; in a JSON Schema it refers to the definition `schema_name`."""

    __slots__ = ()
    schema_name: ClassVar[str] = ""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "object", SCHEMA_KEY: cls.schema_name}
