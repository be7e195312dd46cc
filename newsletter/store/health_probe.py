"""Write to the database without a change, to see that it can be written."""

from sqlalchemy import Connection, text


def write_nothing(connection: Connection) -> None:
    """Write a row as it is: an empty transaction would succeed on a full disk too."""
    connection.execute(text("update alembic_version set version_num = version_num"))
