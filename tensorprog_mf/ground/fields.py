"""Fields of frozen records, set by the constructor to what it has checked."""


def set_fields(record: object, **values: object) -> None:
    """Set fields of a frozen record from inside its constructor."""
    for name, value in values.items():
        object.__setattr__(record, name, value)
