"""A fresh store on SQLite: the databases' differences are the store's own tests' concern."""

import pytest

from ticketd.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    store.migrate()
    yield store
    store.close()
