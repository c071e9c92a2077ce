"""Where trials are kept: a SQLite file in the sweep's folder, or a PostgreSQL database."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from lenet.errors import (
    LenetError,
    MissingExtraError,
    SettingError,
    SweepError,
    install_command,
)
from lenet.experiments.sweeps._sampler import make_pruner, make_sampler

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage
    from sqlalchemy import URL, Engine

    from lenet.experiments.sweeps._definition import Definition

FILE = "trials.db"
HEARTBEAT, GRACE = 10, 60  # seconds; only where other machines may have workers
_DEFINITION = "lenet:definition"  # attribute of a study
_OPTUNAS_TABLE = "studies"
_DRIVER = "postgresql+psycopg"
_WAIT = 60  # seconds for a SQLite file that another worker writes to
_LOCK = 0x6C656E6574  # "lenet"; a number that all machines know
_CONNECT = 10  # seconds for a server
# What may be shown and kept of what stands behind the `?` of a URL; a password is not among it.
_HARMLESS = {"host", "port", "user", "dbname", "sslmode", "service", "application_name"}


@dataclass(frozen=True)
class Storage:
    """Where the trials of a sweep are kept.

    Attributes:
        url: As SQLAlchemy takes it; may hold a password.
        shown: The same without a password, to be printed and kept.
        secrets: What must not be printed.
        is_shared: Whether other machines may have workers on it.
    """

    url: str = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    is_shared: bool = False

    def without_secrets(self, text: str) -> str:
        """A text with stars where a password was."""
        for secret in self.secrets:
            for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
                text = text.replace(form, "***")
        return text


def require_optuna() -> None:
    """Raise if the packages of the extra are not installed.

    Raises:
        MissingExtraError: One is missing.
    """
    try:
        import optuna  # noqa: F401
        import sqlalchemy  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("A sweep", "sweep") from error


def file_storage(folder: Path) -> Storage:
    """The SQLite file in a sweep's folder."""
    from sqlalchemy import URL

    path = (folder / FILE).absolute()
    url = URL.create("sqlite", database=str(path))
    return Storage(url.render_as_string(hide_password=False), str(folder / FILE))


def server_storage(text: str) -> Storage:
    """The PostgreSQL database that a URL names.

    Raises:
        SettingError: It is no URL of PostgreSQL.
        SweepError: PostgreSQL's package is not installed.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # whose messages may hold the password
        url = None
    if url is None or url.drivername not in ("postgresql", "postgres", _DRIVER):
        message = (
            "`--storage` must be the URL of a PostgreSQL database, such as "
            "`postgresql://user@host/database`. Without it, trials are kept in a SQLite file in "
            "the sweep's folder."
        )
        raise SettingError(message)
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        command = install_command("'psycopg[binary]'")
        message = f"PostgreSQL needs one more package: `{command}`."
        raise SweepError(message) from error
    url = url.set(drivername=_DRIVER)
    return Storage(
        url.render_as_string(hide_password=False),
        _harmless(url).render_as_string(hide_password=False),
        _secrets(url),
        is_shared=True,
    )


def _harmless(url: URL) -> URL:
    """A URL without what must not be kept."""
    query = {name: value for name, value in url.query.items() if name in _HARMLESS}
    return url.set(drivername="postgresql", query=query)._replace(password=None)


def _secrets(url: URL) -> tuple[str, ...]:
    """What a URL holds that must not be printed."""
    hidden = [value for name, value in url.query.items() if name not in _HARMLESS]
    values = [str(url.password or ""), *(str(value) for value in hidden)]
    return tuple(value for value in values if value)


@contextmanager
def database_errors(storage: Storage) -> Iterator[None]:
    """Turn what a database says into one clear `SweepError`."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        said = str(getattr(cause, "orig", None) or cause or error).strip()
        said = " ".join(storage.without_secrets(said).split())
        message = f"The trials in `{storage.shown}` can't be used: {said.rstrip('.')}."
        raise SweepError(message) from (None if storage.secrets else error)


@contextmanager
def open_study(
    storage: Storage, definition: Definition, name: str, *, create: bool
) -> Iterator[Study]:
    """The trials of a sweep, for as long as they are needed.

    Args:
        storage: Where they are kept.
        definition: What is searched.
        name: What the sweep is called.
        create: Whether it may be begun; otherwise it must be there.

    Raises:
        SweepError: The storage is damaged, foreign or out of reach, also later, or has another
            sweep under this name.
    """
    with ExitStack() as stack:
        with _one_machine_at_a_time(storage):
            database = _open_database(storage, create)
            stack.callback(_close, database)
            with database_errors(storage), quiet_optuna():
                study = _find_study(database, storage, definition, name, create)
        with database_errors(storage):
            yield study


def _close(database: RDBStorage) -> None:
    """Let go of all connections."""
    database.remove_session()
    database.engine.dispose()


@contextmanager
def _one_machine_at_a_time(storage: Storage) -> Iterator[None]:
    """Keep other machines from making the same tables, and the same sweep, at the same time."""
    import sqlalchemy

    if not storage.is_shared:
        yield
        return
    with database_errors(storage):
        engine = sqlalchemy.create_engine(storage.url, **_engine_options(storage))
        try:
            with engine.connect() as connection:  # whose end ends the lock
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                yield
        finally:
            engine.dispose()


def _engine_options(storage: Storage) -> dict[str, Any]:
    """How a database is connected to."""
    if storage.is_shared:
        return {"pool_pre_ping": True, "connect_args": {"connect_timeout": _CONNECT}}
    return {"connect_args": {"timeout": _WAIT}}


def _find_study(
    database: RDBStorage, storage: Storage, definition: Definition, name: str, create: bool
) -> Study:
    """The trials of a sweep in Optuna's tables."""
    import optuna

    options: dict[str, Any] = {
        "storage": database,
        "study_name": name,
        "sampler": make_sampler(definition.sampler, definition.seed),
        "pruner": make_pruner(definition.prune, definition.warm_up),
    }
    if create:
        study = optuna.create_study(direction="maximize", load_if_exists=True, **options)
    else:
        try:
            study = optuna.load_study(**options)
        except KeyError:
            message = (
                f"`{storage.shown}` holds no sweep `{name}`. Was it begun in another storage? "
                "Name that with `--storage`; or begin anew under another `--name`."
            )
            raise SweepError(message) from None
    _require_definition(study, storage, definition, name, create)
    return study


def _open_database(storage: Storage, create: bool) -> RDBStorage:
    """Optuna's tables, made if they are not there and nothing else is."""
    import optuna
    import sqlalchemy

    options = _engine_options(storage)
    with database_errors(storage):
        engine = sqlalchemy.create_engine(storage.url, **options)
        try:
            tables = sqlalchemy.inspect(engine).get_table_names()
        finally:
            engine.dispose()
    if _OPTUNAS_TABLE not in tables:
        if tables:
            message = (
                f"`{storage.shown}` is the database of something else: it has the table "
                f"`{tables[0]}`. Name an empty one."
            )
            raise SweepError(message)
        if not create:
            message = (
                f"`{storage.shown}` holds no trials, though the sweep was begun. Put them back, or "
                "begin anew under another `--name`."
            )
            raise SweepError(message)
    if storage.is_shared:  # a machine that is gone is known by its silence
        heartbeat: dict[str, Any] = {"heartbeat_interval": HEARTBEAT, "grace_period": GRACE}
    else:
        heartbeat = {}
    url = storage.url.replace("{", "{{").replace("}", "}}")  # Optuna takes it for a template
    with database_errors(storage), warnings.catch_warnings(), quiet_optuna():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            database = optuna.storages.RDBStorage(url, options, **heartbeat)
        except RuntimeError as error:  # of another version's form
            message = f"The trials in `{storage.shown}` are of another version of Optuna."
            raise SweepError(message) from error
    if not storage.is_shared:
        _write_one_after_the_other(database.engine)
    return database


def _write_one_after_the_other(engine: Engine) -> None:
    """Let each transaction on a SQLite file take the file from its first statement on.

    Otherwise two workers could read the same state and then both write to it; SQLite knows no
    `SELECT FOR UPDATE`. They wait for each other as long as `timeout` says.
    """
    from sqlalchemy import event

    engine.dispose()  # connections that were made before do not know of this

    def leave_transactions_to_us(connection: Any, record: Any) -> None:
        connection.isolation_level = None

    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", leave_transactions_to_us)
    event.listen(engine, "begin", begin)


def _require_definition(
    study: Study, storage: Storage, definition: Definition, name: str, create: bool
) -> None:
    """Note what is searched, or see that it is what was noted."""
    noted = study.user_attrs.get(_DEFINITION)
    where = f"The sweep `{name}` in `{storage.shown}`"
    if noted is None:
        if study.get_trials(deepcopy=False) or not create:
            message = f"{where} was not begun by `lenet sweep`. Choose another `--name`."
            raise SweepError(message)
        study.set_user_attr(_DEFINITION, definition.to_dict())
        return
    try:
        found = type(definition).from_dict(noted)
    except (LenetError, KeyError, TypeError, AttributeError) as error:
        message = f"{where} is of another version of lenet, or damaged: {error}"
        raise SweepError(message) from error
    definition.require_same(found, where)


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Let Optuna write nothing: the sweep says itself how it goes."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def fail_silent_workers(study: Study, storage: Storage) -> None:
    """Mark the trials of machines that are not heard of any more, so that others are made."""
    import optuna

    if not storage.is_shared:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
