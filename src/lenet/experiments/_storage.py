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
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, quote_plus

import optuna
import sqlalchemy
from optuna.exceptions import ExperimentalWarning, StorageInternalError, UpdateFinishedTrialError
from optuna.pruners import MedianPruner, NopPruner
from optuna.storages import RDBStorage
from optuna.trial import Trial, TrialState, create_trial
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from lenet.core import check_range, install_command, read_record, shorten, shortened
from lenet.errors import LenetError, SettingError, SweepError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from lenet.experiments._definition import Definition

_FILE = "trials.db"
_HEARTBEAT, GRACE = 10, 60  # seconds; only where other machines may have workers
_DEFINITION = "lenet:definition"  # attribute of a study
# Attributes of a trial.
_NUMBER, WORKER, OUTCOME = "lenet:number", "lenet:worker", "lenet:outcome"
_FIRST = 5  # so many trials come to their end before one is stopped
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


def file_storage(folder: Path) -> Storage:
    """The SQLite file in a sweep's folder."""
    path = (folder / _FILE).absolute()
    url = sqlalchemy.URL.create("sqlite", database=str(path))
    return Storage(url.render_as_string(hide_password=False), str(folder / _FILE))


def server_storage(text: str) -> Storage:
    """The PostgreSQL database that a URL names."""
    try:
        url = sqlalchemy.make_url(text)
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
    """The trials of the sweep of a name, for as long as they are needed.

    It is begun if it may be created; otherwise it must be there. What the storage can't give, also
    later, is a `SweepError`.
    """
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
            with _damage_errors(storage):
                study = _find_study(database, storage, definition, name, create)
                _check_trials(study, definition, storage)
        yield study


@contextmanager
def _damage_errors(storage: Storage) -> Iterator[None]:
    """Turn what Optuna makes of values that nobody would write into one clear `SweepError`."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Choices for a categorical distribution")
            yield
    except (SQLAlchemyError, StorageInternalError, LenetError):
        raise
    except Exception as error:
        said = storage.without_secrets(shorten(f"{type(error).__name__}: {error}", 200))
        message = f"The trials in `{storage.shown}` are damaged: {said.rstrip('.')}."
        raise SweepError(message) from (None if storage.secrets else error)


@dataclass(frozen=True)
class _Ended:
    """How a trial ended, as `OUTCOME` has it."""

    reason: str | None = None
    seconds: float | None = None
    state: Literal["pruned", "diverged", "refused"] = "pruned"


@dataclass(frozen=True)
class _Kept:
    """What is looked at of a trial."""

    number: int
    worker: str | None
    outcome: _Ended
    epochs: tuple[int, ...]
    accuracies: tuple[float, ...]

    def __post_init__(self) -> None:
        check_range("number", self.number, 0, 2**31)
        if not all(0 <= accuracy <= 1 for accuracy in self.accuracies):
            message = f"an accuracy must be from 0 to 1, not {shortened(self.accuracies)}."
            raise SettingError(message)


def _check_trials(study: Study, definition: Definition, storage: Storage) -> None:
    """See that all trials are such as a sweep leaves."""
    dimensions = {dimension.name: dimension for dimension in definition.dimensions}
    for trial in study.get_trials(deepcopy=False):
        values = {
            "number": number_of(trial),
            "worker": trial.user_attrs.get(WORKER),
            "outcome": trial.user_attrs.get(OUTCOME, {}),
            "epochs": list(trial.intermediate_values),
            "accuracies": list(trial.intermediate_values.values()),
        }
        try:
            read_record(_Kept, values)
            for name, value in trial.params.items():
                if name in dimensions and not dimensions[name].holds(value):
                    message = f"`{name}` can't be {shortened(value)}."
                    raise SettingError(message)
        except SettingError as error:
            message = f"The trials in `{storage.shown}` are damaged: in {trial.number}, {error}"
            raise SweepError(message) from error


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
    heartbeat: dict[str, Any] = {}
    if storage.is_shared:  # a machine that is gone is known by its silence
        heartbeat = {"heartbeat_interval": _HEARTBEAT, "grace_period": GRACE}
    url = storage.url.replace("{", "{{").replace("}", "}}")  # Optuna takes it for a template
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            return RDBStorage(url, options, **heartbeat)
        except RuntimeError as error:  # of another version's form
            message = f"The trials in `{storage.shown}` are of another version of Optuna."
            raise SweepError(message) from error


def _find_study(
    database: RDBStorage, storage: Storage, definition: Definition, name: str, create: bool
) -> Study:
    """The trials of a sweep in Optuna's tables, with a note of what is searched."""
    options: dict[str, Any] = {
        "storage": database,
        "study_name": name,
        "pruner": _pruner(definition),
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


def _pruner(definition: Definition) -> MedianPruner | NopPruner:
    """What stops a trial, if any: a best accuracy below the others' median at the same epoch."""
    if not definition.prune:
        return NopPruner()
    return MedianPruner(n_startup_trials=_FIRST, n_warmup_steps=definition.warm_up + 1)


def number_of(trial: FrozenTrial) -> int:
    """Which of the sweep's trials a try is; Optuna counts the tries."""
    return int(trial.user_attrs.get(_NUMBER, trial.number))


def begin_trial(
    study: Study, number: int, worker: str, kept: FrozenTrial | None = None
) -> Trial | None:
    """Begin a trial under a worker's name; from now on the worker has to be heard.

    Args:
        study: Where it is kept.
        number: Which of the sweep's trials it is, of which no try seemed to be made or under way.
        worker: The name.
        kept: A try that was lost, and whose values this one has.

    Returns:
        The trial; `None` if another machine has begun the same at the same instant.
    """
    begun = create_trial(  # with its number at once, which whoever begins one later sees
        state=TrialState.RUNNING,
        params=kept.params if kept else {},
        distributions=kept.distributions if kept else {},
        user_attrs={_NUMBER: number},
    )
    trial = Trial(study, study._storage.create_new_trial(study._study_id, begun))
    _beat(study, [trial._trial_id])
    trial.set_user_attr(WORKER, worker)
    for other in study.get_trials(deepcopy=False):
        is_same = number_of(other) == number and other.state != TrialState.FAIL
        if is_same and other.number < trial.number:
            give_up(study, trial)
            return None
    return trial


@contextmanager
def heartbeats(study: Study, storage: Storage, worker: str) -> Iterator[None]:
    """Tell other machines that a worker lives, and so do its trials."""
    if not storage.is_shared:
        yield
        return
    over = threading.Event()

    def tell() -> None:
        while not over.wait(_HEARTBEAT):
            with suppress(SQLAlchemyError, StorageInternalError):  # who writes a trial raises it
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
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def give_up(study: Study, trial: Trial | int) -> None:
    """Mark a trial as failed, so that it is made anew; nothing if it has ended already."""
    with suppress(UpdateFinishedTrialError):
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Let Optuna write nothing: the sweep says itself how it goes."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
