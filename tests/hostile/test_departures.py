"""An import revives nobody: files that tell who has left are refused, and other files are not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import main
from newsletter.errors import SubscriberError
from newsletter.subscribers.formats import reader
from newsletter.subscribers.formats.mapped_states import judge_of
from newsletter.subscribers.import_row import ImportRow
from tests import samples
from tests.import_tables import read_file

News = Callable[..., Result]

# The files that other tools export, with their columns; the people are made up.
MAILCHIMP = "MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,CC,REGION"
UNSUBSCRIBED = (
    f"Email Address,{MAILCHIMP},UNSUB_TIME,UNSUB_REASON\nada@example.com,,,,,,,,2018-07-23 12:19:27,ABUSE\n"
)
EXPORTS = {
    "beehiiv_subscribers": (
        "email,First Name,Last Name,status,tier,created_at,stripe_customer_id,unsubscribed_at\n"
        "ada@example.com,,,active,free,2023-03-24 10:23:10 UTC,,\n"
        "bo@example.com,,,inactive,free,2023-03-24 10:23:10 UTC,,2023-05-01 08:00:00 UTC\n",
        "ada active, bo unsubscribed",
    ),
    "buttondown_subscribers": (
        "id,email,notes,subscriber_type,creation_date,subscription_date,unsubscription_date,tags\n"
        "g1,ada@example.com,,regular,2024-03-13 00:03:09.183465+00:00,2024-03-13 00:05:09.183465+00:00,,a;b\n"
        "g2,bo@example.com,,complained,2024-03-13 00:03:09.183465+00:00,,,\n",
        "ada active, bo complained",
    ),
    "ghost_members": (
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,"
        "labels,tiers\n6501,ada@example.com,Ada,,true,false,,2023-09-13T08:00:00.000Z,,,\n",
        "ada active",
    ),
    "kit_subscribers": (
        "id,first_name,email,state,created_at,tags\n"
        "1,Ada,ada@example.com,active,2023-01-27T11:43:55Z,\n2,Bo,bo@example.com,cancelled,,\n",
        "ada active, bo unsubscribed",
    ),
    "kit_subscribers as exported": (
        "id,first_name,email_address,state,created_at,tags\n1,Ada,ada@example.com,active,,\n",
        "ada active",
    ),
    "listmonk_subscribers": (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '1,ada@example.com,Ada,"{""a"": 1}",enabled,,\n',
        "ada active",
    ),
    "mailchimp_subscribed_members_export": (
        f"Email Address,First Name,{MAILCHIMP},LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
        "ada@example.com,Ada,4,2023-04-21 11:16:57,192.0.2.10,2023-04-21 11:18:02,192.0.2.10,GB,,"
        '2024-01-02 03:04:05,1,0a,,"""soup"",""weekly"""\n'
        "bo@example.com,Bo,2,,,2018-02-12 10:54:27,,,,,2,0b,,\n",
        "ada active, bo active",
    ),
    "mailchimp_unsubscribed_members_export": (
        UNSUBSCRIBED,
        "ada complained",
    ),
    "members": (
        UNSUBSCRIBED,
        "ada complained",
    ),
    "mailchimp_cleaned_members_export": (
        f"Email Address,{MAILCHIMP},CLEAN_TIME\nada@example.com,,,,,,,,2018-07-23 12:19:27\n",
        "ada bounced",
    ),
    "mailerlite_subscribers": (
        "email,status,name,subscribed_at,unsubscribed_at,opted_in_at,optin_ip\n"
        "ada@example.com,junk,,2023-01-27 11:43:55,,,\n",
        "ada complained",
    ),
    "sendgrid_contacts": (
        "EMAIL,FIRST_NAME,CITY,STATE_PROVINCE_REGION,COUNTRY,ALTERNATE_EMAILS,LINE,CREATED_AT,CONTACT_ID\n"
        "ada@example.com,Ada,Munich,Bavaria,Germany,,,2024-03-13T00:03:09Z,0b1c\n",
        "ada active",
    ),
    "sendgrid_suppression_bounces": (
        "status,reason,email,created\n5.1.1,550 no,ada@example.com,1774600000\n",
        "ada bounced",
    ),
    "a": (
        'status,reason,email,created\n5.1.1,"550 5.1.1 ""ada"" not,\nfound",ada@example.com,1774600000\n',
        "the name of the file does not tell which suppressions it lists",
    ),
    "sendgrid_suppression_unsubscribes": (
        "email,created\nada@example.com,1774600000\n",
        "ada unsubscribed",
    ),
    "substack_email_list": (
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
        "ada@example.com,false,,other,false,2025-01-01T10:00:00.000Z,\n",
        "ada active",
    ),
}


def read(path: Path, content: str, *ignored: str) -> list[reader.Result]:
    path.write_text(content, encoding="utf-8", newline="")
    return read_file(path, ignored=ignored)


def rows(path: Path, content: str, *ignored: str) -> int:
    return sum(isinstance(row, ImportRow) for row in read(path, content, *ignored))


@pytest.mark.parametrize("name", EXPORTS)
def test_nobody_who_left_another_tool_is_active_here(name: str, tmp_path: Path) -> None:
    content, expected = EXPORTS[name]
    try:
        found = read(tmp_path / f"{name}.csv", content)
    except SubscriberError as refused:
        assert expected in str(refused)
        return
    people = (row for row in found if isinstance(row, ImportRow))
    assert ", ".join(f"{row.address.given.partition('@')[0]} {row.state}" for row in people) == expected


@pytest.mark.parametrize(
    "column",
    [
        *("status", "STATUS", " Status ", "Member Status", "member-status", "memberStatus", "sta\u200btus"),
        *("\uff53\uff54\uff41\uff54\uff55\uff53", "email_status", "subscriber_state", "status2"),
        *(
            "unsubscribed",
            "unsubscribed_at",
            "unsubscribedAt",
            "UNSUB_TIME",
            "Unsubscribe date",
            "deleted_at",
        ),
        *("opt-out", "Opt out", "optOut", "opted_out", "HasOptedOutOfEmail", "Do not mail", "do_not_email"),
        *(
            "email_disabled",
            "Disabled",
            "bounced",
            "bounce_count",
            "hardbounces",
            "complained_at",
            "CLEAN_TIME",
        ),
        *("cleaned", "blocked", "blocklisted", "suppressed", "reason", "left", "Left at", "cancelled_at"),
        *("inactive", "spam", "archived", "unconfirmed", "pending", "consent revoked", "Gek\u00fcndigt am"),
        *("Abgemeldet", "Abmeldung am", "d\u00e9sabonn\u00e9", "de\u0301sabonne\u0301", "D\u00e9sinscrit le"),
        *("Statut", "Zustand", "gel\u00f6scht", "uitgeschreven op", "Disiscritto", "Baja", "Descadastrado"),
        *(
            "no_email",
            "noemail",
            "nomail",
            "DNC",
            "dnc_reason",
            "has_left",
            "not_subscribed_since",
            "Stop Time",
        ),
        *("Subscription End Date", "subscription_ended", "stop", "gone", "former", "churned", "suspended"),
        *("excluded", "failed", "rejected", "Inaktiv", "Austritt", "Widerruf", "Widerspruch", "Werbesperre"),
        *(
            "R\u00e9sili\u00e9 le",
            "Situa\u00e7\u00e3o",
            "\u0421\u0442\u0430\u0442\u0443\u0441",
            "\u041e\u0442\u043f\u0438\u0441\u0430\u043d",
        ),
        *("\u72b6\u6001", "\u72b6\u614b", "\u9000\u8ba2\u65f6\u95f4", "\u914d\u4fe1\u505c\u6b62\u65e5"),
    ],
)
def test_a_column_whose_name_is_enough(column: str, tmp_path: Path) -> None:
    """Whatever its values are, also without any: an empty cell may mean that the state is not known."""
    for value in ("", "active", "2024-05-06"):
        with pytest.raises(SubscriberError, match="may tell who has left; nothing was imported") as refused:
            read(tmp_path / "list.csv", f'{column},address\n"{value}",ada@example.com\n')
        assert "list.csv:1: the column `" in str(refused.value)
        assert refused.value.hint.count("--ignore-column") == 1
    assert rows(tmp_path / "list.csv", f"{column},address\n,ada@example.com\n", column) == 1


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("state", "CA|NY|TX|"),
        ("STATE", "US-CA|DE-BY"),
        ("mailing state", "CA"),
        ("State/Province", "Bavaria"),
        ("billing_state", "NY"),
        ("estado", "SP|RJ"),
        ("type", "free|paid|"),
        ("subscriber_type", "premium|Monthly"),
        ("phone type", "mobile"),
        ("subscribed_at", "2024-05-06|2024-05-06T07:08:09Z|2024-05-06 07:08:09.123456+00:00|"),
        ("subscribed_at", "2023-03-24 10:23:10 UTC|1774600000|1774600000000|6.5.2024|05/06/24"),
        ("Subscribed", "May 6, 2024|6 May 2024 07:08 AM|Mon, 6 May 2024 07:08:09 +0000"),
        ("optin_time", "2018-02-12 10:54:27"),
        ("optin_ip", "192.0.2.1"),
        ("Confirmed at", "2024-05-06"),
        ("last_active", "2024-05-06"),
        ("subscriber_id", "4711"),
        ("subscription source", "fair"),
        ("consent_date", "2024-05-06"),
        ("subscriber email", "ada@example.org"),
        ("created_at", "2024-05-06"),
        ("tier", "free"),
        ("plan", "none"),
        ("tags", "soup;weekly|vip, complained once|"),
        ("notes", "She said that she unsubscribed by mistake, and came back."),
        ("City", "Left Hand"),
        ("block", "B"),
        ("signup_reason", "soup"),
        ("score", "0|1"),
        ("emails_opened", "0|12"),
        ("email_client", "Mail|none of these"),
        ("work email", "ada@example.org|"),
        ("delivery city", "Oslo"),
        ("mailing list", "soup|weekly"),
        ("\u00e9tat", "CA"),
        ("end", "north"),
        ("closed_deals", "yes|3"),
        ("off_topic", "yes"),
        ("left_handed", "yes|no"),
        ("exit_page", "yes|/prices"),
        ("noble_title", "Duchess"),
        ("nominee", "yes"),
        ("past_purchases", "yes|3"),
        ("former_name", "Ada"),
        ("past_events", "yes"),
        ("former employer", "Soup Ltd"),
        ("contact_reason", "soup"),
        ("deals_lost", "3"),
        ("forgotten_password_at", "2024-05-06"),
        ("check_out", "2024-05-06"),
        ("No. of opens", "3"),
        ("days off", "3"),
        ("Interested in activities", "yes"),
        ("left side", "yes"),
        ("Mail-out date", "2024-05-06"),
        ("a b", "yes"),
        ("No. of emails", "3"),
        ("non-profit", "yes"),
        ("notable", "yes"),
        ("exhibition", "yes"),
        ("", "x|"),
    ],
)
def test_a_column_that_tells_of_no_departure(column: str, values: str, tmp_path: Path) -> None:
    lines = "".join(f'"{value}",ada@example.com\n' for value in values.split("|"))
    assert rows(tmp_path / "list.csv", f"{column},address\n{lines}") == len(values.split("|"))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("state", value) for value in ("active", "cancelled", "California", "NO", "OFF", "ca", "1")),
        *(("type", value) for value in ("unsubscribed", "regular", "bounced", "free, unsubscribed")),
        *(("subscribed", value) for value in ("true", "no", "0", "never", "unsubscribed 2024-05-06")),
        *(("newsletter", value) for value in ("yes", "no")),
        *((name, "false") for name in ("opt-in", "opted_in", "consent", "confirmed", "active", "is_active")),
        *((name, "no") for name in ("Accepts marketing", "abonniert", "email_verified", "Permission")),
        *(("group", value) for value in ("unsubscribed", " Bounced ", "HARD_BOUNCE", "opted-out", "cleaned")),
        *(("gruppe", value) for value in ("Abgemeldet", "d\u00e9sabonn\u00e9", "\uff42ounced")),
        *(("", value) for value in ("complained", "inactive")),
        *(("TAGS", value) for value in ("vip;unsubscribed", "soup, Bounced", '""vip"",""opted out""')),
        *(("aktiv", value) for value in ("ja", "nein")),
        *((name, "no") for name in ("wants_email", "mailing", "mailing list", "GDPR", "send_email")),
        *((name, "false") for name in ("email_notifications", "allow_email", "IsCurrent", "receive mail")),
        *((name, "0") for name in ("sub", "send_email", "allow_email", "email_enabled")),
        *(("delivery", value) for value in ("disabled", "No Email")),
        *(
            ("group", value)
            for value in (
                "no email",
                "\u5df2\u9000\u8ba2",
                "\u041e\u0442\u043f\u0438\u0441\u0430\u043b\u0441\u044f",
            )
        ),
    ],
)
def test_the_values_of_a_column_decide_down_to_the_last_row(column: str, value: str, tmp_path: Path) -> None:
    """The harmless values before it are no reason to stop reading them."""
    harmless = {"state": "CA", "type": "free", "group": "soup", "gruppe": "Suppe", "": "x", "TAGS": "a"}
    harmless |= dict.fromkeys(("mailing", "mailing list", "email_notifications"), "weekly")
    before = (
        f"{harmless.get(column, '2024-05-06')},ada@example.com\n" * 101
    )  # more than are examined together
    with pytest.raises(SubscriberError) as refused:
        read(tmp_path / "list.csv", f'{column},address\n{before}"{value}",bo@example.com\n')
    shown = value.strip().replace('""', '"')
    what = f"`{column}`" if column else "1, which has no name,"
    assert f"list.csv:1: the column {what} (line 103: {shown}) may tell" in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        *("unsubscribes", "Unsubscribed people", "bounces-2024", "suppressionList", "spam_reports", "blocks"),
        *("invalid_emails", "opt-outs", "Abmeldungen"),
    ],
)
def test_a_file_whose_name_says_that_it_lists_people_who_have_left(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.csv"
    with pytest.raises(SubscriberError, match="by its name, the file lists") as refused:
        read(path, "address\nada@example.com\n")
    assert "--as unsubscribed" in refused.value.hint
    assert "if everyone in it is to get mail, rename it" in refused.value.hint


@pytest.mark.parametrize("name", ["subscribers", "subscribed_members", "cleaned", "list", "blocky"])
def test_a_file_whose_name_says_nothing_about_people_who_have_left(name: str, tmp_path: Path) -> None:
    assert rows(tmp_path / f"{name}.csv", "address\nada@example.com\n") == 1


@pytest.mark.parametrize(
    "column",
    [
        *("forgotten", "forgotten_at", "anonymized_at", "deceased", "is_dead", "is_out", "muted", "kicked"),
        *("unfollowed_at", "left_list_at", "Left the list", "leaver", "signed_off", "deregistered_at"),
        *("closed_at", "ceased_at", "discontinued", "dismissed", "purged", "trashed", "opposed"),
        *("hard_fails", "nondeliverable", "mailbox full", "goneaway", "nosend", "No send", "dontmail"),
        *("UN SUB", "dont_email", "Don't email", "mail_off", "email_off", "never_mail", "is_paused"),
        *("has_expired", "s t a t u s", "sta-tus", "email sta-tus", "un confirmed", "b_o_u_n_c_e_d"),
        *("former member", "ex-customer", "was dropped", "user_lost", "account closed", "not interested"),
        *("Gone away", "exited on", "No marketing mail", "neversend", "in-active"),
    ],
)
def test_a_column_that_tells_of_a_departure_in_other_words(column: str, tmp_path: Path) -> None:
    for value in ("", "yes", "2024-05-06"):
        with pytest.raises(SubscriberError, match="may tell who has left"):
            read(tmp_path / "list.csv", f'"{column}",address\n{value},ada@example.com\n')


@pytest.mark.parametrize("column", ["reachable", "emailable", "erreichbar"])
def test_a_column_that_tells_who_can_be_reached(column: str, tmp_path: Path) -> None:
    for value in ("yes", "no", "0"):
        with pytest.raises(SubscriberError, match="may tell who has left"):
            read(tmp_path / "list.csv", f'"{column}",address\n{value},ada@example.com\n')


DENIED = (
    "no_newsletter|not_deliverable|consent_denied|consent_refused|permission_denied|subscription_paused|"
    "newsletter_off|no_consent|consent_lost|not_valid|non_subscribed|never_confirmed|ex_subscriber|"
    "not_opted_in|opt_in_declined|subscriber_left|consent_refused_at|former subscriber|Past subscribers|"
    "noConsent|nonsubscribed|NotConfirmed|neverconfirmed|hasn't confirmed|without consent|no marketing|"
    "previously subscribed|consent_not_withdrawn|not_unsubscribed"
)


@pytest.mark.parametrize("column", DENIED.split("|"))
def test_a_column_that_denies_that_people_joined(column: str, tmp_path: Path) -> None:
    """Neither "yes" nor "no" makes anybody active in it, if it is mapped as the advice says."""
    with pytest.raises(SubscriberError, match="may tell who has left"):
        read(tmp_path / "list.csv", f'"{column}",address\n2024-05-06,ada@example.com\n')
    for word in ("yes", "true", "1", "no", "false", "0"):
        assert judge_of(column)(word) == "unknown_state", word


@pytest.mark.parametrize(
    "column",
    [
        *("not_bounced", "never_blocked", "suppression_removed", "opt_out_cancelled", "block_removed"),
        *("confirmation_sent", "requires_verification", "awaiting_confirmation"),
    ],
)
def test_a_yes_that_is_not_clear_makes_nobody_active(column: str) -> None:
    for word in ("yes", "no"):
        assert judge_of(column)(word) == "unknown_state", word


@pytest.mark.parametrize("name", ["ex-subscribers", "never_confirmed", "no_newsletter", "not_active"])
def test_a_file_whose_name_denies_that_its_people_joined(name: str, tmp_path: Path) -> None:
    with pytest.raises(SubscriberError, match="by its name, the file lists"):
        read(tmp_path / f"{name}.csv", "address\nada@example.com\n")


def test_examples_name_no_address(tmp_path: Path) -> None:
    content = "address,replaced,unsubscribed\nada@example.com,x,old@example.com\nbo@example.com,x,yes\n"
    with pytest.raises(SubscriberError) as refused:
        read(tmp_path / "list.csv", content)
    assert "`unsubscribed` (line 3: yes)" in str(refused.value) and "@" not in str(refused.value)


def test_a_column_is_ignored_by_its_name_as_the_header_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    content = "\ufeff Status ,address,name,Status,unsubscribed at\nactive,ada@example.com,Ada,bounced,\n"
    with pytest.raises(SubscriberError, match="`unsubscribed at`") as refused:
        read(path, content, "STATUS")
    assert refused.value.hint.endswith("add --ignore-column 'unsubscribed at'")
    assert rows(path, content, " status", "Unsubscribed At") == 1
    for wrong, what in (
        ("stat", "the header has no column `stat`"),
        ("", "the header has no column ``"),
        ("address", "the column `address` is imported, so it cannot be ignored"),
        ("NAME", "the column `name` is imported, so it cannot be ignored"),
    ):
        with pytest.raises(SubscriberError, match=what) as refused:
            read(path, content, "status", "unsubscribed at", wrong)
        assert refused.value.hint


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> News:
    monkeypatch.chdir(samples.write(tmp_path))
    monkeypatch.delenv("NEWS_DATABASE_URL", raising=False)
    return lambda *arguments: CliRunner().invoke(main, ["subscribers", *arguments])


def test_a_refused_file_imports_nobody(news: News, tmp_path: Path) -> None:
    lines = "".join(f"reader{n}@example.com,soup\n" for n in range(700))
    (tmp_path / "list.csv").write_text(f"email,group\n{lines}gone@example.com,unsubscribed\n")
    refused = news("import", "list.csv")
    assert refused.exit_code == 1
    assert "list.csv:1: error: the column `group` (line 702: unsubscribed) may tell who" in refused.stderr
    assert news("list").output == ""
    assert "Added        701" in news("import", "list.csv", "--ignore-column", "group").output
    assert news("import", "list.csv", "--ignore-column", "nothing").exit_code == 1
