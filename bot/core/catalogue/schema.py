"""The JSON Schema of access.yaml, for editors. The file's own checks are stricter."""

from datetime import time, timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from bot.core.catalogue.people import Value, Word
from bot.core.catalogue.values import AccessFile
from bot.core.durations import write_duration

DIALECT = "https://json-schema.org/draft/2020-12/schema"

NOTHING: tuple[Any, ...] = (None, (), [], "")
"""Defaults that are said by leaving the key out."""


class _WithoutNull(GenerateJsonSchema):
    """A key is there or is not: nothing in the file is null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        told = super().default_schema(schema)
        if told.get("default", ...) in NOTHING:
            del told["default"]
        return told

    def encode_default(self, dft: Any) -> Any:
        return as_written(dft)


def schema() -> dict[str, Any]:
    """Return the schema, JSON Schema 2020-12, each key with what it means."""
    told = AccessFile.model_json_schema(
        mode="validation", schema_generator=_WithoutNull
    )
    return {"$schema": DIALECT} | told | {"title": "access.yaml"}


def as_written(value: Any) -> Any:
    """Return a value in the file's own words."""
    if isinstance(value, timedelta):
        return write_duration(value)
    if isinstance(value, float):
        return f"{value:.0%}"
    if isinstance(value, tuple):
        return [as_written(item) for item in value]
    if isinstance(value, Word):
        return value.spelled
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, Value):
        kinds = type(value).model_fields
        said = {
            kinds[key].alias or key: item for key, item in value if item not in NOTHING
        }
        return {key: as_written(item) for key, item in said.items()}
    return value
