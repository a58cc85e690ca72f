"""The HTTP door: tickets in, with the token alone; health and figures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.journeys.stage import Stage
from ticketd.api import LARGEST, Pace, make_app
from ticketd.store import Store

TOKEN = {"Authorization": "Bearer sesame"}
CHAT: dict[str, Any] = {
    "channel": "chat",
    "visitor": {"address": "jane@example.org", "name": "Jane"},
    "subject": "Printer on fire",
    "mailbox": "support",
    "transcript": [
        {"at": "2026-11-22T21:05:00Z", "from": "visitor", "text": "It burns."},
        {"at": "2026-11-22T21:06:00Z", "from": "Otto", "text": "We come."},
    ],
    "priority": "urgent",
    "assignee": "anna",
    "status": "open",
    "note": "she sounded calm",
    "message": "Hello Jane, we are on our way.",
}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    store.migrate()
    yield Stage(store, tmp_path)
    store.close()


@pytest.fixture
def client(stage: Stage) -> Iterator[TestClient]:
    app = make_app(stage.store, lambda: stage.policy, lambda: "sesame", stage.clock)
    with TestClient(app) as client:
        yield client


def test_a_chat_becomes_a_ticket_with_all_it_can_have(client: TestClient, stage: Stage) -> None:
    answer = client.post("/v1/tickets", json=CHAT, headers=TOKEN)
    assert answer.status_code == 201
    ticket = answer.json()
    assert (ticket["id"], ticket["channel"], ticket["priority"], ticket["status"]) == (
        1,
        "chat",
        "urgent",
        "open",
    )
    assert ticket["requester"] == {"address": "jane@example.org", "name": "Jane"}
    assert ticket["assignee"] == "anna@example.com"
    assert [one["kind"] for one in ticket["messages"]] == ["customer", "note", "reply"]
    assert ticket["messages"][0]["text"] == "21:05 Jane: It burns.\n21:06 Otto: We come."
    sent = [(row["kind"], row["to"]) for row, _ in stage.mails()]
    assert ("reply", "jane@example.org") in sent
    assert ("notification", "anna@example.com") in sent


def test_the_same_key_gives_the_same_ticket(client: TestClient) -> None:
    keyed = {**TOKEN, "Idempotency-Key": "chat-17"}
    first = client.post("/v1/tickets", json=CHAT, headers=keyed)
    again = client.post("/v1/tickets", json=CHAT, headers=keyed)
    other = client.post("/v1/tickets", json=CHAT, headers={**TOKEN, "Idempotency-Key": "chat-1"})
    assert (first.json()["id"], again.json()["id"], other.json()["id"]) == (1, 1, 2)
    assert again.status_code == 201


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic sesame"}]
)
def test_nothing_without_the_token(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/v1/tickets", json=CHAT, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"visitor": {"address": "nobody"}}, "not a mail address"),
        ({"visitor": None}, "visitor"),
        ({"visitor": {"name": "Jane"}}, "visitor.address is missing"),
        ({"visitor": "jane@example.org"}, "visitor"),
        ({"visitor": {"address": "anna@example.com"}}, "is an agent"),
        ({"assignee": "otto"}, "there is no agent"),
        ({"mailbox": "sales"}, "there is no mailbox"),
        ({"priority": "soon"}, "priority"),
        ({"colour": "red"}, "colour"),
        ({"subject": None}, "subject"),
    ],
)
def test_what_is_wrong_is_said(client: TestClient, change: dict[str, Any], said: str) -> None:
    answer = client.post("/v1/tickets", json={**CHAT, **change}, headers=TOKEN)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert client.get("/healthz").status_code == 200


def test_what_is_not_json_or_too_large_is_refused(client: TestClient) -> None:
    assert client.post("/v1/tickets", content=b"{", headers=TOKEN).status_code == 422
    assert client.post("/v1/tickets", content=b" " * (LARGEST + 1), headers=TOKEN).status_code == 413


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"visitor":' + b'{"a":' * 100_000, b"\xff\xfe", b"1" * 5000]
)
def test_json_that_no_chat_tool_writes_is_422(client: TestClient, content: bytes) -> None:
    answer = client.post("/v1/tickets", content=content, headers=TOKEN)
    assert answer.status_code == 422
    assert "transcript" in answer.json()["detail"]


def test_half_a_letter_in_json_is_no_error_of_ours(client: TestClient) -> None:
    content = b'{"visitor": {"address": "jane@example.org", "name": "\\ud800"}, "subject": "\\udfff fire"}'
    answer = client.post("/v1/tickets", content=content, headers=TOKEN)
    assert answer.status_code in (201, 422)
    again = client.post("/v1/tickets", content=b'{"\\ud800": 1}', headers=TOKEN)
    assert again.status_code == 422


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
def test_no_page_loads_anything_from_elsewhere(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=TOKEN)
    assert answer.status_code == (200 if path == "/openapi.json" else 404)
    assert "//cdn" not in answer.text


def test_null_is_as_good_as_absent(client: TestClient) -> None:
    names = ("mailbox", "transcript", "priority", "assignee", "status", "note", "message", "channel", "tags")
    visitor = {"address": "jane@example.org", "name": None}
    chat = {"visitor": visitor, "subject": "Fire", **dict.fromkeys(names)}
    answer = client.post("/v1/tickets", json=chat, headers=TOKEN)
    assert answer.status_code == 201, answer.json()
    assert (answer.json()["channel"], answer.json()["status"], answer.json()["messages"]) == (
        "chat",
        "open",
        [],
    )
    line = {"at": None, "from": None, "text": "It burns."}
    again = client.post("/v1/tickets", json={**chat, "transcript": [line]}, headers=TOKEN).json()
    assert again["messages"][0]["text"] == "visitor: It burns."


@pytest.mark.parametrize("visitor", [{}, {"name": "Jane"}, {"address": None, "name": None}, {"address": ""}])
def test_a_visitor_without_an_address_is_unknown(
    client: TestClient, stage: Stage, visitor: dict[str, Any]
) -> None:
    chat = {**CHAT, "visitor": visitor, "message": None}
    answer = client.post("/v1/tickets", json=chat, headers=TOKEN)
    assert answer.status_code == 201, answer.json()
    ticket = answer.json()
    assert (ticket["requester"], ticket["participants"]) == ({"address": None, "name": None}, [])
    assert ticket["messages"][0]["author"] == {"address": None, "name": visitor.get("name")}
    assert {row["to"] for row, _ in stage.mails()} <= {"anna@example.com", "bob@example.com"}


def test_a_flood_is_told_to_wait(stage: Stage) -> None:
    app = make_app(stage.store, lambda: stage.policy, lambda: "sesame", stage.clock, Pace(2, lambda: 0.0))
    with TestClient(app) as client:
        statuses = [client.post("/v1/tickets", json=CHAT, headers=TOKEN).status_code for _ in range(3)]
    assert statuses == [201, 201, 429]


def test_the_pace_recovers_with_time() -> None:
    now = [0.0]
    pace = Pace(60, lambda: now[0])
    assert all(pace.take() for _ in range(60))
    assert not pace.take()
    now[0] = 1.0
    assert pace.take()
    assert not pace.take()


def test_health_and_figures_need_no_token_nearby(client: TestClient) -> None:
    assert client.get("/healthz").json()["healthy"] is True
    figures = client.get("/metrics")
    assert "ticketd_healthy 1.0" in figures.text
    assert 'ticketd_ledger{mailbox="support",outcome="ticket"} 0.0' in figures.text


def test_from_afar_they_need_it(stage: Stage) -> None:
    app = make_app(stage.store, lambda: stage.policy, lambda: "sesame", stage.clock)
    with TestClient(app, client=("192.0.2.7", 1234)) as client:
        assert client.get("/healthz").status_code == 401
        assert client.get("/healthz", headers=TOKEN).status_code == 200
