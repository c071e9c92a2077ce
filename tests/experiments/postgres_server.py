"""A PostgreSQL server of the tests' own, in a temporary folder, reached through a socket in it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

PASSWORD = "s3cr3t:/@{%}"  # marks that a URL must quote
_BINARIES = ("/usr/lib/postgresql", "/usr/local/pgsql")
_PATIENCE = 60.0


class PostgresServer:
    """A running server.

    Args:
        folder: Where its socket lies.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._databases = 0

    def url(self, database: str, password: str = PASSWORD) -> str:
        """The URL of a database."""
        return f"postgresql://lenet:{quote(password, safe='')}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The URL of a database that has nothing in it yet."""
        self._databases += 1
        self.execute("postgres", f"CREATE DATABASE sweeps{self._databases}")
        return self.url(f"sweeps{self._databases}")

    def execute(self, database: str, command: str) -> None:
        """Run a command of SQL."""
        psycopg = pytest.importorskip("psycopg")
        options = {"host": str(self.folder), "user": "lenet", "password": PASSWORD}
        with psycopg.connect(dbname=database, autocommit=True, **options) as connection:
            connection.execute(command)


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Start a server and stop it; skip where PostgreSQL is not installed."""
    programs = _find_programs()
    as_user = _other_user()
    folder = Path(tempfile.mkdtemp(prefix="lenet-pg-"))  # a socket's path is 107 bytes at most
    try:
        if as_user:
            os.chown(folder, as_user["user"], as_user["group"])
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        make = [programs / "initdb", "-D", folder / "data", "-U", "lenet", "--pwfile", secret]
        make += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **as_user)
        serve = [programs / "postgres", "-D", folder / "data", "-k", folder]
        serve += ["-c", "listen_addresses=", "-c", "fsync=off"]
        log = (folder / "log").open("w")
        process = subprocess.Popen(serve, stdout=log, stderr=log, cwd=folder, **as_user)
        try:
            server = PostgresServer(folder)
            _wait_for(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown
            process.wait(timeout=_PATIENCE)
            log.close()
    finally:
        shutil.rmtree(folder)


def _find_programs() -> Path:
    """The folder with `initdb` and `postgres`."""
    pytest.importorskip("psycopg", reason="no psycopg")
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    for folder in _BINARIES:
        found += sorted(
            (path.parent for path in Path(folder).glob("**/bin/initdb")),
            key=lambda path: [int(part) for part in path.parent.name.split(".") if part.isdigit()],
            reverse=True,
        )
    if not found:
        pytest.skip("PostgreSQL is not installed; it is Debian's `postgresql`")
    return found[0]


def _other_user() -> dict[str, object]:
    """Who the server runs as, where we are root: it refuses to run as that."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL does not run as root, and there is no other user here")


def _wait_for(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers."""
    import psycopg

    deadline = time.monotonic() + _PATIENCE
    while True:
        assert process.poll() is None, (server.folder / "log").read_text()
        try:
            server.execute("postgres", "SELECT 1")
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, (server.folder / "log").read_text()
            time.sleep(0.05)
