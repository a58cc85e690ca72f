"""The golden stories: folders of mails, each with what it means in ``expected.json``.

``mailbox.json`` sets the story's mailbox otherwise than the others'.

``TICKETD_UPDATE=1 pytest tests/journeys`` writes the expectations anew; read the difference.
"""

import json
import os
from pathlib import Path

import pytest

from ticketd.store import Store

from .stage import PEOPLE, Stage, told, with_policy

STORIES = sorted(path for path in (Path(__file__).parent / "stories").iterdir() if path.is_dir())


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_story(story: Path, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'ticketd.db'}")
    try:
        store.migrate()
        stage = Stage(store, tmp_path)
        settings = story / "mailbox.json"
        if settings.exists():
            with_policy(stage, **json.loads(settings.read_text("utf-8")))
        found = json.loads(json.dumps(told(stage, story)))
        check_customers(stage)
    finally:
        store.close()
    golden = story / "expected.json"
    if os.environ.get("TICKETD_UPDATE"):
        golden.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert found == json.loads(golden.read_text("utf-8"))


def check_customers(stage: Stage) -> None:
    """Nothing that went to a customer carries an agent's address, a note, a command or a token."""
    agents = {agent.address for agent in stage.policy.agents.values()}
    notes = [
        entry["new_text"]
        for number in range(1, 20)
        if stage_has(stage, number)
        for entry in stage.ticket(number)["messages"]
        if entry["kind"] == "note"
    ]
    for row, mail in stage.mails():
        if row["to"] in agents or row["kind"] == "alert":
            continue
        whole = mail.as_string().lower()
        bodies = "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
        assert row["to"] in PEOPLE.values()
        assert not any(address in whole or address in bodies.lower() for address in agents)
        assert not any(note and note in bodies for note in notes)
        assert not any(line.startswith("#") for line in bodies.splitlines())
        assert ".r." not in whole
        assert ".n." not in whole
        assert "auto-submitted" not in whole or row["kind"] == "acknowledgement"


def stage_has(stage: Stage, number: int) -> bool:
    with stage.store.view() as view:
        return any(one["id"] == number for one in view.list_tickets("all") + view.list_tickets("spam"))
