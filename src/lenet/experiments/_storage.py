"""Where trials are kept: a SQLite file in the sweep's folder, or a PostgreSQL database.

The command's own process alone reads and writes it, and not those of its workers.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
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
from lenet.experiments._trials import WORKER, make_pruner

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

    from lenet.experiments._definition import Definition

_FILE = "trials.db"
_HEARTBEAT, GRACE = 10, 60  # seconds; only where other machines may have workers
_DEFINITION = "lenet:definition"  # attribute of a study
_DRIVER = "postgresql+psycopg"
_WAIT = 60  # seconds for a SQLite file that another program looks into
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

    path = (folder / _FILE).absolute()
    url = URL.create("sqlite", database=str(path))
    return Storage(url.render_as_string(hide_password=False), str(folder / _FILE))


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
    harmless = {name: value for name, value in url.query.items() if name in _HARMLESS}
    shown = url.set(drivername="postgresql", query=harmless)._replace(password=None)
    hidden = [url.password, *(value for name, value in url.query.items() if name not in harmless)]
    return Storage(
        url.render_as_string(hide_password=False),
        shown.render_as_string(hide_password=False),
        tuple(str(value) for value in hidden if value),
        is_shared=True,
    )


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
    import sqlalchemy

    options: dict[str, Any] = {"connect_args": {"timeout": _WAIT}}
    if storage.is_shared:
        options = {"pool_pre_ping": True, "connect_args": {"connect_timeout": _CONNECT}}
    with ExitStack() as stack:
        stack.enter_context(_quiet_optuna())
        stack.enter_context(database_errors(storage))
        engine = sqlalchemy.create_engine(storage.url, **options)
        stack.callback(engine.dispose)
        with engine.connect() as connection:
            if storage.is_shared:
                # Other machines may want to make the same tables, and the same sweep, at the same
                # time. The lock ends with the connection.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            tables = sqlalchemy.inspect(connection).get_table_names()
            _require_optunas(tables, storage, create)
            database = _make_tables(storage, options)
            stack.callback(database.engine.dispose)
            stack.callback(database.remove_session)
            study = _find_study(database, storage, definition, name, create)
        yield study


def _require_optunas(tables: Sequence[str], storage: Storage, create: bool) -> None:
    """Raise if a database is of something else, or empty where it should not be."""
    if "studies" in tables:
        return
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


def _make_tables(storage: Storage, options: dict[str, Any]) -> RDBStorage:
    """Optuna's tables, made if they are not there."""
    import optuna

    heartbeat: dict[str, Any] = {}
    if storage.is_shared:  # a machine that is gone is known by its silence
        heartbeat = {"heartbeat_interval": _HEARTBEAT, "grace_period": GRACE}
    url = storage.url.replace("{", "{{").replace("}", "}}")  # Optuna takes it for a template
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            return optuna.storages.RDBStorage(url, options, **heartbeat)
        except RuntimeError as error:  # of another version's form
            message = f"The trials in `{storage.shown}` are of another version of Optuna."
            raise SweepError(message) from error


def _find_study(
    database: RDBStorage, storage: Storage, definition: Definition, name: str, create: bool
) -> Study:
    """The trials of a sweep in Optuna's tables, with a note of what is searched."""
    import optuna

    options: dict[str, Any] = {
        "storage": database,
        "study_name": name,
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
    noted = study.user_attrs.get(_DEFINITION)
    where = f"The sweep `{name}` in `{storage.shown}`"
    if noted is None:
        if study.get_trials(deepcopy=False) or not create:
            message = f"{where} was not begun by `lenet sweep`. Choose another `--name`."
            raise SweepError(message)
        study.set_user_attr(_DEFINITION, definition.to_dict())
        return study
    try:
        found = type(definition).from_dict(noted)
    except (LenetError, KeyError, TypeError, AttributeError) as error:
        message = f"{where} is of another version of lenet, or damaged: {error}"
        raise SweepError(message) from error
    definition.require_same(found, where)
    return study


def begin_trial(study: Study, worker: str) -> Trial:
    """Begin the next trial under a worker's name; from now on the worker has to be heard."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Heartbeat of storage"
        )  # which beats here, in `heartbeats`
        trial = study.ask()
    _beat(study, [trial._trial_id])
    trial.set_user_attr(WORKER, worker)
    return trial


@contextmanager
def heartbeats(study: Study, storage: Storage, worker: str) -> Iterator[None]:
    """Tell other machines that a worker lives, and so do its trials."""
    if not storage.is_shared:
        yield
        return
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    over = threading.Event()

    def tell() -> None:
        while not over.wait(_HEARTBEAT):
            with suppress(
                SQLAlchemyError, StorageInternalError
            ):  # who writes a trial will raise it
                running = running_trials(study)
                _beat(study, [t._trial_id for t in running if t.user_attrs.get(WORKER) == worker])
        study._storage.remove_session()  # this thread's

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(study: Study, trials: Sequence[int]) -> None:
    """Note that trials are alive, where other machines want to know."""
    storage: Any = study._storage
    if storage.get_heartbeat_interval() is not None:
        for trial in trials:
            storage.record_heartbeat(trial)


def running_trials(study: Study) -> list[FrozenTrial]:
    """The trials under way, of all machines."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def give_up(study: Study, trial: Trial | int) -> None:
    """Mark a trial as failed, so that another is made for it; nothing if it has ended already."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    with suppress(UpdateFinishedTrialError):
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)


def give_up_silent_machines(study: Study, storage: Storage) -> None:
    """Give up the trials of machines that are not heard of any more."""
    import optuna

    if not storage.is_shared:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Let Optuna write nothing: the sweep says itself how it goes."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(before)
