"""The signature of requests to AWS: against AWS's published examples, and against botocore's signer."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from newsletter.providers.ses.signature import Credentials, Scope, sign, signing_key

# The test suite of AWS (aws-sig-v4-test-suite): its key, its time, its scope, and the signatures that it has
# for requests without a query.
KEY = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD"
    "8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx"
    "6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlT"
    "JabIQwj2ICCR/oLxBA=="
)
AT, SCOPE = datetime(2015, 8, 30, 12, 36, tzinfo=UTC), Scope("us-east-1", "service")
HOST = {"Host": "example.amazonaws.com"}
FORM = {**HOST, "Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "headers", "body", "token", "expected"),
    [
        ("GET", HOST, b"", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", HOST, b"", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("POST", HOST, b"", TOKEN, "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
        (
            "POST", FORM, b"Param1=value1", "",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "post-sts-header-before", "post-x-www-form-urlencoded"],
)  # fmt: skip
def test_the_published_examples(
    method: str, headers: dict[str, str], body: bytes, token: str, expected: str
) -> None:
    key = KEY._replace(session_token=token)
    signed = sign(method, "/", headers, [body], key, SCOPE, AT)
    assert signed["Authorization"].endswith(f"Signature={expected}")
    assert "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " in signed["Authorization"]
    assert signed["X-Amz-Date"] == "20150830T123600Z"


def test_the_published_example_of_a_signing_key() -> None:
    """https://docs.aws.amazon.com/general/latest/gr/sigv4-calculate-signature.html."""
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    key = signing_key(secret, "20150830", Scope("us-east-1", "iam"))
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(
    st.sampled_from(["GET", "POST"]),
    st.sampled_from(["/", "/v2/email/identities/soup%40example.com", "/base/v2/email/a~b_c-d.e"]),
    st.lists(st.binary(max_size=50), max_size=3),
    TEXT,
    st.none() | TEXT,
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
)
def test_botocore_signs_the_same(
    method: str, path: str, pieces: list[bytes], secret: str, token: str | None, at: datetime
) -> None:
    at, key_id = at.replace(microsecond=0, tzinfo=UTC), "AKIDEXAMPLE"
    headers = {"Host": "email.eu-central-1.amazonaws.com", "Content-Type": "application/json"}
    ours = sign(
        method, path, headers, pieces, Credentials(key_id, secret, token or ""), Scope("eu-central-1"), at
    )
    url = f"https://email.eu-central-1.amazonaws.com{path}"
    request = AWSRequest(method, url, {"Content-Type": "application/json"}, b"".join(pieces))
    request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    signer = SigV4Auth(BotocoreCredentials(key_id, secret, token), "ses", "eu-central-1")
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert ours["Authorization"].endswith(f"Signature={signature}")


def test_the_secret_is_neither_sent_nor_shown() -> None:
    signed = sign("POST", "/", HOST, [b"x"], KEY, SCOPE, AT)
    assert KEY.secret_access_key not in str(signed) and KEY.secret_access_key not in repr(KEY)
    assert set(signed) == {"Host", "X-Amz-Date", "Authorization"}


def test_each_day_and_each_region_has_a_key_of_its_own() -> None:
    keys = {
        signing_key("secret", day, Scope(region))
        for day in ("20260504", "20260505")
        for region in ("eu-central-1", "us-east-1")
    }
    assert len(keys) == 4
