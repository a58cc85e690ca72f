"""Tell a calendar invitation in words (RFC 5545, 5546). Knows nothing of mails."""

from __future__ import annotations

from ticketd.decide.reading.charsets import storable

MAX_LINES = 5000
_WORDS = {"REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Answer", "COUNTER": "Counter-proposal"}
_WANTED = {"METHOD", "SUMMARY", "DTSTART", "DTEND", "LOCATION", "ORGANIZER", "DESCRIPTION", "PARTSTAT"}


def told(ics: str) -> tuple[str, str]:
    """The summary of the first event, and the event in words; empty where there is none."""
    found = _first_event(ics)
    if "SUMMARY" not in found and "DTSTART" not in found:
        return "", ""
    what = _WORDS.get(found.get("METHOD", "").upper(), "Event")
    lines = [f"{what}: {found.get('SUMMARY', '')}".rstrip()]
    if "DTSTART" in found:
        until = f" – {found['DTEND']}" if "DTEND" in found else ""
        lines.append(f"When: {found['DTSTART']}{until}")
    lines += [f"{label}: {found[key]}" for label, key in _SHOWN if found.get(key)]
    return found.get("SUMMARY", ""), storable("\n".join(lines))


_SHOWN = (("Where", "LOCATION"), ("Organizer", "ORGANIZER"), ("Answer", "PARTSTAT"), ("About", "DESCRIPTION"))


def _first_event(ics: str) -> dict[str, str]:
    """The wanted properties of the calendar and its first event."""
    found: dict[str, str] = {}
    inside = ""
    for line in _unfolded(ics):
        head, _, value = line.partition(":")
        name, _, parameters = head.upper().partition(";")
        if name == "BEGIN":
            inside = value.strip().upper()
        elif name == "END" and value.strip().upper() == "VEVENT":
            break
        elif name in _WANTED and inside in ("VCALENDAR", "VEVENT", "VTODO"):
            found.setdefault(name, _value(name, value, parameters))
        elif name == "ATTENDEE" and "PARTSTAT=" in parameters and inside == "VEVENT":
            found.setdefault("PARTSTAT", parameters.partition("PARTSTAT=")[2].partition(";")[0].lower())
    if found.get("METHOD") != "REPLY":
        found.pop("PARTSTAT", None)
    return found


def _unfolded(ics: str) -> list[str]:
    lines: list[str] = []
    for line in ics.splitlines()[:MAX_LINES]:
        if line[:1] in (" ", "\t") and lines and len(lines[-1]) < 20_000:
            lines[-1] += line[1:]
        else:
            lines.append(line)
    return lines


def _value(name: str, value: str, parameters: str) -> str:
    if name in ("DTSTART", "DTEND"):
        return _time(value.strip(), parameters)
    if name == "ORGANIZER":
        return value.strip()[7:] if value.strip().lower().startswith("mailto:") else value.strip()
    unescaped = value.replace("\\n", "\n").replace("\\N", "\n").replace("\\,", ",").replace("\\;", ";")
    return unescaped.replace("\\\\", "\\").strip()[:20_000]


def _time(value: str, parameters: str) -> str:
    """``20261122T210500Z`` as ``2026-11-22 21:05 UTC``, the zone named where one is."""
    date, _, time = value.partition("T")
    if not (len(date) == 8 and date.isdigit()):
        return value
    said = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if len(time) >= 4 and time[:4].isdigit():
        said += f" {time[:2]}:{time[2:4]}"
    zone = parameters.partition("TZID=")[2].partition(";")[0].strip('"')
    return f"{said} UTC" if time.endswith("Z") else f"{said} ({zone.title()})" if zone else said
