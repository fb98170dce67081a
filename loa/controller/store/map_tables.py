"""The table of where things are."""

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from loa.controller.store.columns import Moment


class WhereaboutsRow(SQLModel, table=True):
    """Where an area or node is, and whom to call there; apart, since the tree is read without it."""

    __tablename__ = "whereabouts"
    area_id: str = Field(primary_key=True, foreign_key="areas.id", max_length=64)
    revision: int
    households: int | None = None
    contact_name: str | None = Field(default=None, max_length=200)
    contact_phone: str | None = Field(default=None, max_length=32)
    latitude: float | None = None
    longitude: float | None = None
    description: str = Field(default="", max_length=500)
    outline: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    """GeoJSON of a Polygon or MultiPolygon."""
    before: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    """JSON of the facts that the last change replaced."""
    updated_by: str = Field(max_length=64)
    updated_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
