"""Plain SQL scripts in a migration."""

from alembic import op


def execute_script(script: str) -> None:
    """Runs all statements of `script` in the migration's transaction.

    They go to the driver as they are: SQLAlchemy would prepare them, which PostgreSQL allows one by one only.
    """
    driver = op.get_bind().connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(script))  # type: ignore[union-attr]
