"""The pages of a correctly set-up domain at Mailgun, for its fake; parameters change each part.

Shapes as in Mailgun's OpenAPI description: GET /v4/domains/{name} and GET /v3/domains/{name}/tracking.
"""

from typing import Any


def pages(
    domain: str = "example.com", *, tracking: dict[str, object] | None = None, **properties: Any
) -> dict[str, object]:
    """Return the pages by path; `tracking` are settings that are on, `properties` those of the domain."""
    active = {"open": False, "click": False, "unsubscribe": False, **(tracking or {})}
    return {
        f"/v4/domains/{domain}": {
            "domain": {
                "name": domain,
                "state": "active",
                "is_disabled": False,
                "type": "custom",
                **properties,
            },
            "receiving_dns_records": [
                {"record_type": "MX", "valid": "unknown", "value": "mxa.mailgun.example", "priority": "10"}
            ],
            "sending_dns_records": [
                record("TXT", domain, "v=spf1 include:mailgun.example ~all"),
                record("TXT", f"pic._domainkey.{domain}", "k=rsa; p=MIGf"),
                record("CNAME", f"email.{domain}", "mailgun.example"),
            ],
        },
        f"/v3/domains/{domain}/tracking": {
            "tracking": {name: {"active": is_on} for name, is_on in active.items()}
        },
    }


def record(kind: str, name: str, value: str) -> dict[str, object]:
    return {"record_type": kind, "name": name, "value": value, "valid": "valid", "cached": []}
