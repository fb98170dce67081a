"""The table of whose a recording is, beside that of the recordings themselves."""

from sqlmodel import Field, SQLModel


class RecordingMakerRow(SQLModel, table=True):
    """Who uploaded this recording or had it read out; two who make the same one share its bytes."""

    __tablename__ = "recording_makers"
    recording: str = Field(primary_key=True, foreign_key="recordings.sha256", max_length=64)
    user_id: str = Field(primary_key=True, max_length=64)
