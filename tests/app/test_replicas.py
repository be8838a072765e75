"""Several processes on one database: what each knows of the others."""

import pytest

from bot.app import replicas
from bot.app.roles import Role
from bot.store.database import Database
from tests.app.process import process
from tests.conftest import postgres_alone


@postgres_alone
@pytest.mark.anyio
async def test_a_web_process_is_ready_only_while_a_worker_is_alive(
    database: Database,
) -> None:
    web, worker = process(database, Role.WEB), process(database, Role.WORKER)
    await replicas.join(web)
    assert "No worker is alive" in (await web.health.now())["workers"]
    await replicas.join(worker)
    assert await web.health.now() == {}
    assert await worker.health.now() == {}
    await replicas.leave(worker)
    assert "workers" in await web.health.now()


@postgres_alone
@pytest.mark.anyio
async def test_a_process_whose_loop_fails_is_not_ready(database: Database) -> None:
    parts = process(database, Role.WORKER)
    worker = parts.worker("okta", [])
    worker.tell(False)
    assert "okta loop" in await parts.health.now()
    worker.tell(True)
    assert await parts.health.now() == {}
