"""Complaints about other newsletter tools, each with the tests that prove it is not so here.

The complaints are from the issue trackers of listmonk, Keila, Ghost, Mailtrain and others.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

COMPLAINTS = {
    "A link scanner's GET unsubscribes": [
        "web/test_web_unsubscribe.py::a_scanner_that_opens_every_link_changes_nothing"
    ],
    "A delay as protection still acts on GET": [
        "web/test_web_unsubscribe.py::a_scanner_that_opens_every_link_changes_nothing"
    ],
    "A scanner with a browser submits what a script submits": [
        "web/test_web_browser.py::a_link_scanner_that_runs_scripts_changes_nothing"
    ],
    "A link works once: the person then sees that it has expired": [
        "web/test_web_sign_up.py::each_further_visit_of_the_link_says_that_it_is_confirmed"
    ],
    "People stop at the second page of the confirmation": [
        "judges/test_judges_pages.py::a_page_fits_a_phone_with_its_button_above_the_fold",
        "render/test_pages.py::titles_tell_what_has_happened",
        "cli/test_subscriber_records.py::stats_count",
    ],
    "A second sign-up gives no new mail": [
        "web/test_web_sign_up.py::a_second_sign_up_after_an_hour_gets_a_second_mail_and_within_it_none"
    ],
    "The form floods a stranger's mailbox": [
        "web/test_web_sign_up.py::a_flood_of_sign_ups_sends_a_stranger_one_mail",
        "web/test_web_sign_up.py::a_flood_from_one_network_reaches_few_addresses",
        "web/test_web_sign_up.py::a_flood_from_everywhere_stops_at_the_limit_in_all_and_is_logged",
    ],
    "Who left cannot come back, or comes back without a confirmation": [
        "web/test_web_sign_up.py::who_has_left_comes_back_only_by_a_confirmation"
    ],
    "An import revives those who left": [
        "store/test_staged_import.py::nothing_brings_back_who_has_left",
        "subscribers/test_import_rules.py::the_state_does_not_depend_on_the_order_of_imports",
    ],
    "An empty cell of state is taken as a no, or as a yes": [
        "subscribers/test_import_rules.py::a_row_changes",
        "subscribers/formats/test_exports.py::an_example_of_each_tool",
    ],
    "An export loses who has left": [
        "cli/test_subscriber_records.py::an_export_reads_back_into_the_same_states_and_dates"
    ],
    "A list of the gone cannot be imported": [
        "subscribers/formats/test_lists.py::a_list_of_the_gone_is_taken_only_with_a_state"
    ],
    "A known address is replaced, and loses its history": [
        "web/test_web_sign_up.py::a_subscriber_who_signs_up_again_stays_as_before"
    ],
    "A byte order mark, a semicolon or a last line without its end: nothing is imported": [
        "subscribers/test_table_file.py::spreadsheets_write_it_in_many_ways",
        "store/test_staged_import.py::every_row_is_counted_once",
    ],
    "An error without its line and value": [
        "subscribers/formats/test_lists.py::an_invalid_row_is_named_with_its_line_and_value"
    ],
    "An import cannot be tried": [
        "cli/test_cli.py::a_dry_run_of_an_import_shows_the_same_table_and_changes_nothing"
    ],
    "Who lost the mail cannot leave": [
        "web/test_web_own_data.py::the_form_answers_the_same_for_everybody_and_mails_only_known_people"
    ],
    "Leaving needs a confirmation by mail": ["web/test_web_unsubscribe.py::post_unsubscribes_with_any_body"],
    "Somebody else leaves by a forwarded mail": [
        "web/test_web_unsubscribe.py::the_page_shows_a_button_and_half_of_the_address",
        "web/test_web_unsubscribe.py::leaving_can_be_undone_for_thirty_days",
        "web/test_web_own_data.py::the_link_of_a_mail_to_unsubscribe_opens_no_data",
    ],
    "One-click needs a cookie, a login, a redirect or a certain body": [
        "web/test_web_unsubscribe.py::post_unsubscribes_with_any_body",
        "web/test_web_unsubscribe.py::post_unsubscribes_with_a_body_in_chunks",
    ],
    "The address of the header answers a browser with an error": [
        "web/test_web_unsubscribe.py::the_page_shows_a_button_and_half_of_the_address"
    ],
    "An old or damaged link is an invalid signature": [
        "web/test_web_unsubscribe.py::a_link_that_a_mail_program_damaged_still_works",
        "web/test_web_unsubscribe.py::a_link_that_nobody_signed_says_how_to_leave",
        "mail/test_signed_links.py::old_keys_verify_and_the_current_one_signs",
    ],
    "A complaint is treated as a bounce": [
        "web/test_web_webhooks.py::a_complaint_takes_the_person_off_the_list_at_once"
    ],
    "A second bounce, or one of a confirmation mail, is not counted": [
        "subscribers/test_delivery_rules.py::several_soft_bounces_of_one_message_are_one",
        "web/test_web_webhooks.py::a_bounce_of_the_confirmation_mail_ends_the_sign_up",
    ],
    "Soft and hard bounces are mixed, and never reset": [
        "subscribers/test_delivery_rules.py::a_status_code_is_hard_or_soft",
        "subscribers/test_delivery_rules.py::three_soft_bounces_over_a_week_stop",
        "subscribers/test_delivery_rules.py::a_delivery_between_soft_bounces_begins_a_new_row",
    ],
    "The signature of a webhook is verified over other bytes": [
        "web/test_web_webhooks.py::a_request_that_was_changed_on_the_way_is_refused"
    ],
    "Events arrive twice or in another order": [
        "web/test_web_webhooks.py::events_that_are_repeated_or_in_another_order_change_nothing_more",
        "store/test_delivery_events.py::ten_thousand_events_in_any_order_have_one_end",
    ],
    "Limits count a forged address, or the proxy as everybody": [
        "web/test_web_client_address.py::without_a_proxy_the_header_is_ignored",
        "web/test_web_client_address.py::behind_a_proxy_the_last_address_that_is_no_proxy_is_counted",
    ],
    "The confirmation mail is sent again after each restart": [
        "web/test_web_restart.py::a_killed_server_sends_no_mail_twice"
    ],
    "A page of the archive has a subscriber's link": [
        "services/test_archive.py::placeholders_are_filled_for_a_reader_whom_nobody_knows",
        "services/test_archive.py::personal_data_is_refused",
        "services/test_archive.py::subscribers_of_the_store_are_in_no_file",
    ],
    "An issue that was left out of the archive is found all the same": [
        "services/test_archive.py::an_issue_that_is_not_published_is_in_no_file"
    ],
    "The ids of a feed change, and its links are relative": [
        "services/test_archive.py::ids_stay_with_another_site_title_and_order",
        "archive/test_archive_site.py::feeds_break_no_rule",
        "archive/test_feeds.py::ids_stay_when_the_site_titles_and_the_order_change",
    ],
}


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_a_complaint_has_its_tests(complaint: str) -> None:
    for test in COMPLAINTS[complaint]:
        file, _, name = test.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert f"test_{name}" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, test
