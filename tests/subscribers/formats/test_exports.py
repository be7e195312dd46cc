"""The exports of other tools: each row, as it is imported."""

import pytest

from newsletter.constants import SUBSCRIBER_STATES
from newsletter.errors import SubscriberError
from newsletter.subscribers.formats.mailing_lists import OWN_HEADER
from newsletter.subscribers.formats.recognition import FORMATS
from tests.import_tables import IMPORTS, notes, shown, table

MAILCHIMP = "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID,EUID"
# The files of tests/data/imports: the tool, and each row.
FILES = {
    "beehiiv_subscribers": (
        "beehiiv",
        [
            "2 ada@example.com (Ada Example) active since 2023-03-24T10:23:10",
            "3 gone@example.com unsubscribed since 2023-03-24T10:36:48 left 2023-05-01T08:00:00",
            "4 waiting@example.com kept out: not_confirmed pending",
        ],
    ),
    "buttondown_subscribers": (
        "Buttondown",
        [
            "2 ada@example.com active since 2024-03-13T00:05:09.183465",
            "3 gone@example.com unsubscribed since 2024-03-13T00:03:09.183465 "
            "left 2024-04-08T17:09:32.596959",
            "4 waiting@example.com kept out: not_confirmed unactivated",
            "5 bounced@example.com bounced since 2024-03-13T00:03:09.183465",
            "6 spam@example.com complained since 2024-03-13T00:03:09.183465",
        ],
    ),
    "ghost_members": (
        "Ghost",
        [
            "2 ada@example.com (Ada Example) active since 2023-09-13T08:00:00",
            "3 gone@example.com unsubscribed since 2023-09-13T08:00:00",
            "4 blank@example.com no state since 2023-09-13T08:00:00",
        ],
    ),
    "kit_subscribers_UNVERIFIED": (
        "Kit",
        [
            "2 ada@example.com (Ada) active since 2023-01-27T11:43:55",
            "3 gone@example.com unsubscribed since 2023-02-03T11:43:55",
            "4 bounced@example.com bounced since 2023-02-03T11:43:55",
            "5 spam@example.com complained since 2023-02-03T11:43:55",
            "6 waiting@example.com kept out: not_confirmed inactive",
        ],
    ),
    "listmonk_subscribers": (
        "listmonk",
        [
            "2 ada@example.com (Ada) active since 2023-04-21T11:16:57.123450",
            "3 gone@example.com (Gone) unsubscribed since 2023-04-21T11:16:57.123450",
        ],
    ),
    "mailchimp_subscribed_members_export": (
        "Mailchimp (subscribed members)",
        [
            "2 ada@example.com (Ada Example) active since 2023-04-21T11:18:02",
            "3 Grace@example.com (Grace Sample) active since 2018-02-12T10:54:27",
        ],
    ),
    "mailchimp_unsubscribed_members_export": (
        "Mailchimp (unsubscribed members)",
        [
            "2 gone@example.com (Gone) unsubscribed since 2018-02-12T10:54:27 left 2018-07-23T12:19:27",
            "3 spam@example.com (Angry) complained since 2019-02-12T10:54:27 left 2019-07-23T12:19:27",
        ],
    ),
    "mailerlite_subscribers_UNVERIFIED": (
        "MailerLite",
        [
            "2 ada@example.com (Ada Example) active since 2023-01-27T11:45:00",
            "3 gone@example.com unsubscribed since 2023-01-27T11:43:55 left 2023-02-27T11:43:55",
            "4 waiting@example.com kept out: not_confirmed unconfirmed",
            "5 bounced@example.com bounced since 2023-01-27T11:43:55",
            "6 spam@example.com complained since 2023-01-27T11:43:55",
        ],
    ),
    "sendgrid_contacts": (
        "SendGrid (contacts)",
        ["2 ada@example.com (Ada Example) active since 2024-03-13T00:03:09"],
    ),
    "sendgrid_suppression_bounces": (
        "SendGrid (bounces)",
        ["2 bounced@example.com bounced left 2026-03-27T08:26:40"],
    ),
    "sendgrid_suppression_unsubscribes": (
        "SendGrid (unsubscribes)",
        ["2 gone@example.com unsubscribed left 2026-03-27T08:26:40"],
    ),
    "substack_email_list": (
        "Substack",
        [
            "2 ada@example.com active since 2025-01-01T10:00:00",
            "3 grace@example.com active since 2024-02-01T10:00:00",
            "4 gone@example.com unsubscribed since 2024-06-01T10:00:00",
        ],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_an_example_of_each_tool(name: str) -> None:
    title, rows = FILES[name]
    content = (IMPORTS / f"{name}.csv").read_text(encoding="utf-8")
    assert shown(table(content, f"{name}.csv")) == rows
    assert notes(table(content, f"{name}.csv"))[0] == f"note: {name}.csv: the file is an export of {title}"


def test_every_example_is_tried() -> None:
    assert {path.stem for path in IMPORTS.iterdir()} == set(FILES)


# Further exports, shorter than they are: the name of the file, the title, the content, the rows.
OTHERS = {
    "mailchimp-cleaned": (
        "cleaned_members_export_0a1b.csv",
        "Mailchimp (cleaned members)",
        f"{MAILCHIMP},CLEAN_TIME\na@example.com,,1,,2018-02-05 19:28:23,,,2020-03-23 17:30:05\n",
        ["2 a@example.com bounced since 2018-02-05T19:28:23 left 2020-03-23T17:30:05"],
    ),
    "mailchimp-nonsubscribed": (
        "nonsubscribed_email_audience_export_0a1b.csv",
        "Mailchimp (contacts who never subscribed)",
        f"{MAILCHIMP}\na@example.com,Ada,1,,,,\n",
        ["2 a@example.com kept out: not_confirmed"],
    ),
    "mailchimp-archived": (
        "archived_email_audience_export_0a1b.csv",
        "Mailchimp (archived contacts)",
        f"{MAILCHIMP}\na@example.com,Ada,1,,,,\n",
        ["2 a@example.com (Ada) unsubscribed"],
    ),
    "mailchimp-with-status": (
        "members.csv",
        "Mailchimp (members with their status)",
        f"{MAILCHIMP},Status,UNSUB_TIME,UNSUB_REASON,CLEAN_TIME\n"
        "a@example.com,,,,,,,Subscribed,,,\nb@example.com,,,,,,,Unsubscribed,2018-07-23 12:19:27,NORMAL,\n"
        "c@example.com,,,,,,,Unsubscribed,2018-07-23 12:19:27,ABUSE,\n"
        "d@example.com,,,,,,,Cleaned,,,2018-07-23 12:19:27\ne@example.com,,,,,,,Non-Subscribed,,,\n"
        "f@example.com,,,,,,,,,,\ng@example.com,,,,,,,Somehow,,,\nh@example.com,,,,,,,Pending,,,\n"
        "i@example.com,,,,,,,Archived,,,\nj@example.com,,,,,,,Subscribed,2018-07-23 12:19:27,,\n"
        "k@example.com,,,,,,,Unsubscribed,,,2018-07-23 12:19:27\n",
        [
            "2 a@example.com active",
            "3 b@example.com unsubscribed left 2018-07-23T12:19:27",
            "4 c@example.com complained left 2018-07-23T12:19:27",
            "5 d@example.com bounced left 2018-07-23T12:19:27",
            "6 e@example.com kept out: not_confirmed Non-Subscribed",
            "7 f@example.com no state",
            "8 g@example.com kept out: unknown_state Somehow",
            "9 h@example.com kept out: not_confirmed Pending",
            "10 i@example.com unsubscribed",
            "11 j@example.com unsubscribed left 2018-07-23T12:19:27",
            "12 k@example.com unsubscribed left 2018-07-23T12:19:27",
        ],
    ),
    "mailchimp-localised": (
        "subscribed_email_audience_export_0a1b.csv",
        "Mailchimp (subscribed members)",
        "Deine Adresse für uns,Vorname,Nachname,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID,EUID,Firma\n"
        "a@example.com,Ada,Beispiel,1,2018-02-05 19:28:23,,,,Suppe & Co\n",
        ["2 a@example.com (Ada Beispiel) active since 2018-02-05T19:28:23"],
    ),
    "substack-of-2020": (
        "email_list.soup.csv",
        "Substack",
        "email,active_subscription,expiry,email_disabled,prefer_digests,created_at\n"
        "a@example.com,true,,false,false,2020-01-01T10:00:00.000Z\n"
        "b@example.com,true,,,false,\nc@example.com,false,,TRUE,false,\n"
        "0a1b@deletion-request.substack.com,false,,true,false,\n",
        [
            "2 a@example.com active since 2020-01-01T10:00:00",
            "3 b@example.com no state",
            "4 c@example.com unsubscribed",
            "5 0a1b@deletion-request.substack.com kept out: deleted",
        ],
    ),
    "sendgrid-blocks": (
        "suppression_blocks.csv",
        "SendGrid (blocks)",
        'status,reason,email,created\n4.7.1,"try again, later",a@example.com,1774600000\n',
        ["2 a@example.com kept out: temporary"],
    ),
    "sendgrid-spam": (
        "suppression_spam_reports.csv",
        "SendGrid (spam reports)",
        "email,created,ip\na@example.com,1774600000,192.0.2.1\n",
        ["2 a@example.com complained left 2026-03-27T08:26:40"],
    ),
    "sendgrid-invalid": (
        "suppression_invalid_emails.csv",
        "SendGrid (invalid addresses)",
        "status,reason,email,created\n,no such host,a@example.com,1774600000\n",
        ["2 a@example.com bounced left 2026-03-27T08:26:40"],
    ),
    "sendgrid-group": (
        "suppression_group_4711.csv",
        "SendGrid (unsubscribes of a group)",
        "email,created\na@example.com,1774600000\n",
        ["2 a@example.com unsubscribed left 2026-03-27T08:26:40"],
    ),
    "ghost-deleted": (
        "members.csv",
        "Ghost",
        "id,email,name,note,subscribed_to_emails,complimentary_plan,created_at,deleted_at,email_disabled\n"
        "1,a@example.com,,,true,false,,2024-01-01T00:00:00.000Z,\n2,b@example.com,,,true,false,,,true\n"
        "3,c@example.com,,,false,false,,2024-01-01T00:00:00.000Z,\n",
        [
            "2 a@example.com unsubscribed",
            "3 b@example.com bounced",
            "4 c@example.com unsubscribed",
        ],
    ),
    "keila": (
        "contacts.csv",
        "Keila",
        "Email,First name,Last name,Data,Status,External ID\na@example.com,Ada,Example,{},active,\n"
        "b@example.com,,,,unsubscribed,\nc@example.com,,,,unreachable,\nd@example.com,,,,inactive,\n",
        [
            "2 a@example.com (Ada Example) active",
            "3 b@example.com unsubscribed",
            "4 c@example.com bounced",
            "5 d@example.com kept out: unknown_state inactive",
        ],
    ),
    "keila-without-status": (
        "contacts.csv",
        "Keila",
        "Email,First name,Last name,Data\na@example.com,Ada,Example,{}\n",
        ["2 a@example.com (Ada Example) no state"],
    ),
    "curated": (
        "subscribers.csv",
        "Curated",
        "Email Address,Subscribed at,UTM Source,UTM Medium,UTM Last Path\n"
        "a@example.com,2021-02-04 07:55:20 +0100,,,/\n",
        ["2 a@example.com active since 2021-02-04T06:55:20"],
    ),
    "tiny-news": (
        "subs.csv",
        "Tiny News",
        "email,First name,Last name,Date added,Last modified,status,clicks,opens\n"
        "a@example.com,Ada,Example,2022-08-04T14:26:20.000Z,2022-08-04T14:36:53.000Z,Subscribed,0,39\n"
        "b@example.com,,,,2022-10-05T12:58:20.000Z,Unsubscribed,0,0\n",
        ["2 a@example.com (Ada Example) active since 2022-08-04T14:26:20", "3 b@example.com unsubscribed"],
    ),
    "tiny-news-numbers": (
        "subs.csv",
        "Tiny News",
        '"Channel id",Status,Tags,"Created at","Deleted at","Engagement OptIn",Email,Name,Surname\n'
        "1,1,,2022-10-28 22:18:42,,1,a@example.com,Ada,Example\n1,0,,,,1,b@example.com,,\n"
        "1,2,,,2022-10-28 22:18:42,1,c@example.com,,\n",
        [
            "2 a@example.com (Ada Example) active since 2022-10-28T22:18:42",
            "3 b@example.com kept out: unknown_state 0",
            "4 c@example.com unsubscribed",
        ],
    ),
    "emailoctopus": (
        "contacts.csv",
        "EmailOctopus",
        "Email address,First name,Last name,Status,Created at\na@example.com,Ada,,SUBSCRIBED,\n"
        "b@example.com,,,UNSUBSCRIBED,\nc@example.com,,,PENDING,\n",
        [
            "2 a@example.com (Ada) active",
            "3 b@example.com unsubscribed",
            "4 c@example.com kept out: not_confirmed PENDING",
        ],
    ),
    "our-own": (
        "subscribers.csv",
        "news",
        f"{OWN_HEADER}\na@example.com,'=Ada,active,2024-01-02T03:04:05+00:00,imported,list.csv,,\n"
        "b@example.com,,unsubscribed,,,,2024-02-02T03:04:05Z,link\nc@example.com,,bounced,,,,,\n"
        "d@example.com,,complained,,,,,\ne@example.com,,pending,,,,,\n'+f@example.com,,,,,,,\n",
        [
            "2 a@example.com (=Ada) active since 2024-01-02T03:04:05",
            "3 b@example.com unsubscribed left 2024-02-02T03:04:05",
            "4 c@example.com bounced",
            "5 d@example.com complained",
            "6 e@example.com kept out: not_confirmed pending",
            "7 +f@example.com no state",
        ],
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_export(name: str) -> None:
    file, title, content, rows = OTHERS[name]
    assert shown(table(content, file)) == rows
    assert notes(table(content, file))[0] == f"note: {file}: the file is an export of {title}"


def test_every_tool_and_file_has_an_example() -> None:
    tried = {title for title, _ in FILES.values()} | {title for _, title, _, _ in OTHERS.values()}
    skipped = {one.title for one in FORMATS if one.is_skipped or one.unclear}
    assert {one.title for one in FORMATS} - skipped == tried


@pytest.mark.parametrize(
    "word",
    [
        *("regular", "premium", "gifted", "trialed", "churning", "churned", "unpaid", "past_due", "paused"),
        "Regular",
    ],
)
def test_people_who_pay_in_buttondown_or_not_get_mail(word: str) -> None:
    content = f"email,subscriber_type,creation_date,unsubscription_date\na@example.com,{word},,\n"
    assert shown(table(content)) == ["2 a@example.com active"]


def test_a_list_of_sendgrid_whose_name_does_not_tell_which() -> None:
    content = "status,reason,email,created\n5.1.1,no,a@example.com,1774600000\n"
    with pytest.raises(SubscriberError, match=r"list\.csv:1: .*does not tell which suppressions") as refused:
        shown(table(content))
    assert "--as bounced" in refused.value.hint
    assert shown(table(content), as_state="bounced") == ["2 a@example.com bounced left 2026-03-27T08:26:40"]
    content = "email,created\na@example.com,1774600000\n"
    with pytest.raises(SubscriberError, match="may be a list of SendGrid's unsubscribes") as refused:
        shown(table(content))
    assert "--as unsubscribed" in refused.value.hint and "--ignore-column created" in refused.value.hint
    assert shown(table(content), as_state="unsubscribed") == ["2 a@example.com unsubscribed"]
    assert shown(table(content), ignored=("created",)) == ["2 a@example.com active"]


@pytest.mark.parametrize(
    ("name", "header", "content"),
    [
        ("posts.csv", "post_id,post_date,is_published,title", "posts"),
        ("1.delivers.csv", "post_id,timestamp,email", "deliveries or opens of a post"),
        ("1.opens.csv", "post_id,email,country,city", "deliveries or opens of a post"),
    ],
)
def test_a_file_beside_the_list_is_skipped(name: str, header: str, content: str) -> None:
    source = f"{header}\n1,gone@example.com,gone@example.com,x\n"
    assert shown(table(source, name), ignored=("status",)) == []
    what = f"the file is an export of Substack ({content}): it lists no subscribers, and is not imported"
    assert notes(table(source, name)) == [f"note: {name}: {what}"]


@pytest.mark.parametrize("name", FILES)
def test_everyone_in_a_file_has_the_given_state(name: str) -> None:
    content = (IMPORTS / f"{name}.csv").read_text(encoding="utf-8")
    for state in ("unsubscribed", "bounced", "complained"):
        rows = shown(table(content, f"{name}.csv"), as_state=state)
        assert len(rows) == len(FILES[name][1])
        assert all(f" {state}" in row for row in rows)


def test_an_account_that_was_deleted_has_no_state() -> None:
    content = "email,active_subscription,email_disabled\n0a1b@deletion-request.substack.com,,\n"
    expected = ["2 0a1b@deletion-request.substack.com kept out: deleted"]
    assert shown(table(content), as_state="unsubscribed") == expected


def test_an_export_without_states_says_so() -> None:
    content = (IMPORTS / "sendgrid_contacts.csv").read_text(encoding="utf-8")
    assert "import the suppressions of SendGrid, too" in notes(table(content))[1]


def test_only_verdicts_of_the_model_are_given() -> None:
    verdicts = {verdict for one in FORMATS for column in one.states for verdict in column.words.values()}
    assert verdicts <= {*SUBSCRIBER_STATES, "not_confirmed", "deleted"} - {"pending"}
    words = [word for one in FORMATS for column in one.states for word in column.words]
    assert words == [word.strip().casefold() for word in words]
