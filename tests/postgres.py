"""A PostgreSQL for the tests: a throw-away cluster, or the one of TEST_DATABASE_URL.

Its programs do not run as root, so root lends them an ordinary user. Nothing is
kept on disk before it counts here: a test that needs a power cut has no place in
this suite. A test that ended leaves its database empty to the next one, which is
many times quicker than a new copy.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import NoReturn

import psycopg
import pytest
from sqlalchemy import URL, make_url

from bot.store.audit import Chain
from bot.store.migrations import migrate

USERS = ("postgres", "nobody")
"""Whom root lets the programs run as: the first that is on the machine."""

HURRIED = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "listen_addresses": "",
    "max_connections": "200",
}


EMPTY = """
do $$ declare name text; begin
    perform pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
    and state <> 'idle';
    set local session_replication_role = replica;
    for name in select tablename from pg_tables
    where schemaname = 'public' and tablename <> 'alembic_version' loop
        execute format('delete from %I', name);
    end loop;
    for name in select sequencename from pg_sequences loop
        execute format('alter sequence %I restart', name);
    end loop;
end $$
"""
"""Ends whoever is still in a transaction, and takes out every row."""


class Cluster:
    """Somewhere databases can be made, as long as the tests run."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._made: list[str] = []
        self._free: list[str] = []

    @contextmanager
    def migrated(self, chain: Chain) -> Iterator[str]:
        """Lend a database at this program's version that has no rows."""
        if not self._free:
            self._free.append(self.empty())
            migrate(self._free[-1], chain)
        url = self._free.pop()
        yield url
        empty(url)
        self._free.append(url)

    def empty(self) -> str:
        """Return the URL of a new database that nothing was ever kept in."""
        name = f"access_bot_test_{token_hex(6)}"
        self._execute(f'create database "{name}"')
        self._made.append(name)
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop_all(self) -> None:
        """Remove what is left of the tests' databases."""
        for name in self._made:
            self._execute(f'drop database if exists "{name}" with (force)')

    def _execute(self, statement: str) -> None:
        address = self._url.set(database=self._url.database or "postgres")
        _execute(address.render_as_string(hide_password=False), statement)


def empty(url: str) -> None:
    """Take out every row of the database at `url`."""
    _execute(url, EMPTY)


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Hold a cluster; skip where there is none, but fail where CI must have one."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        lent = Cluster(make_url(given))
        yield lent
        lent.drop_all()
        return
    programs = _programs()
    if programs is None:
        _do_without("PostgreSQL is not on this machine, nor in TEST_DATABASE_URL")
    with (
        tempfile.TemporaryDirectory(prefix="access-bot-pg-") as folder,
        _served(programs, Path(folder)) as url,
    ):
        yield Cluster(url)


def _do_without(why: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{why}: CI tests on it", pytrace=False)
    pytest.skip(why)


def _programs() -> Path | None:
    """Return the folder of the newest initdb and pg_ctl; None without any."""
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(installed, key=lambda path: float(path.parts[-3]))
    if newest:
        return newest[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def _served(programs: Path, folder: Path) -> Iterator[URL]:
    """Run a new cluster in `folder`, on a socket there, until the block ends."""
    user = _ordinary_user()
    if user is not None:
        os.chown(folder, user, -1)
    data = folder / "data"

    def run(program: str, *words: str) -> None:
        log = folder / "output"
        with log.open("ab") as output:
            done = subprocess.run(  # noqa: S603 programs of PostgreSQL's own
                [str(programs / program), "--pgdata", str(data), *words],
                cwd=folder,
                user=user,
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode:
            raise OSError(f"{program} failed: {log.read_text()}")

    run("initdb", "--auth=trust", "--username=tests", "--encoding=UTF8", "--no-sync")
    settings = " ".join(f"-c {name}='{value}'" for name, value in HURRIED.items())
    run("pg_ctl", "start", "--wait", f"--options=-k {folder} {settings}")
    stop = [str(programs / "pg_ctl"), "--pgdata", str(data), "stop", "--mode=immediate"]
    # Its input ends with this process, however that ends.
    with subprocess.Popen(  # noqa: S603 as above
        ["/bin/sh", "-c", 'read -r _; exec "$@" >&2', "sh", *stop],
        cwd=folder,
        user=user,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ):
        yield URL.create("postgresql", "tests", query={"host": str(folder)})


def _ordinary_user() -> int | None:
    """Return whom to run the programs as; None where we are no more than that."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return next(known[name] for name in USERS if name in known)
