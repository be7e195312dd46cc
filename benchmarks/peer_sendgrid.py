"""Send the same mail with the sendgrid package, its helper objects or dicts; print the seconds."""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from typing import Any

from sendgrid import SendGridAPIClient
from sendgrid.helpers import mail as helpers

PER_REQUEST = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("form", choices=("helpers", "dicts"))
    parser.add_argument("letter", type=Path)
    parser.add_argument("recipients", type=int)
    parser.add_argument("port", type=int)
    parser.add_argument("threads", type=int)
    options = parser.parse_args()
    letter = json.loads(options.letter.read_text())
    make = as_helpers if options.form == "helpers" else as_dicts
    client = SendGridAPIClient("SG.benchmark", host=f"http://127.0.0.1:{options.port}")

    def send(first: int) -> None:
        people = range(first, min(first + PER_REQUEST, options.recipients + 1))
        response = client.send(make(letter, people))
        assert response.status_code == 202

    start = time.perf_counter()
    with ThreadPoolExecutor(options.threads) as pool:
        for _ in pool.map(send, range(1, options.recipients + 1, PER_REQUEST)):
            pass
    print(time.perf_counter() - start)


def recipient_fields(letter: dict[str, Any], number: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return a recipient's headers and substitutions; the token is not signed, so the peer has less to do."""
    token = f"{number}.{number:032x}"
    headers = {name: value.replace("{token}", token) for name, value in letter["headers"].items()}
    headers["Message-ID"] = f"<2026-04-27.{number:024x}@example.com>"
    link = letter["unsubscribe_url"].replace("{token}", token)
    return headers, {"[[unsubscribe_url]]": escape(link), "[[text.unsubscribe_url]]": link}


def as_dicts(letter: dict[str, Any], people: range) -> dict[str, Any]:
    personalizations = []
    for number in people:
        headers, substitutions = recipient_fields(letter, number)
        to = [{"email": f"reader{number}@example.com", "name": f"Reader {number}"}]
        personalizations.append({"to": to, "headers": headers, "substitutions": substitutions})
    return {
        "from": {"email": letter["sender"][1], "name": letter["sender"][0]},
        "reply_to": {"email": letter["reply_to"]},
        "subject": letter["subject"],
        "personalizations": personalizations,
        "content": [
            {"type": "text/plain", "value": letter["text"].replace("[[", "[[text.")},
            {"type": "text/html", "value": letter["html"]},
        ],
        "headers": {"List-Id": f"<{letter['list_id']}>"},
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }


def as_helpers(letter: dict[str, Any], people: range) -> helpers.Mail:
    mail = helpers.Mail(
        from_email=helpers.From(letter["sender"][1], letter["sender"][0]),
        subject=letter["subject"],
        plain_text_content=letter["text"].replace("[[", "[[text."),
        html_content=letter["html"],
    )
    mail.reply_to = helpers.ReplyTo(letter["reply_to"])
    mail.header = helpers.Header("List-Id", f"<{letter['list_id']}>")
    settings = helpers.TrackingSettings()
    settings.click_tracking = helpers.ClickTracking(False, False)
    settings.open_tracking = helpers.OpenTracking(False)
    settings.subscription_tracking = helpers.SubscriptionTracking(False)
    settings.ganalytics = helpers.Ganalytics(False)
    mail.tracking_settings = settings
    for number in people:
        headers, substitutions = recipient_fields(letter, number)
        personalization = helpers.Personalization()
        personalization.add_to(helpers.To(f"reader{number}@example.com", f"Reader {number}"))
        for name, value in headers.items():
            personalization.add_header(helpers.Header(name, value))
        for name, value in substitutions.items():
            personalization.add_substitution(helpers.Substitution(name, value))
        mail.add_personalization(personalization)
    return mail


if __name__ == "__main__":
    main()
