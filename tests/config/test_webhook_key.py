"""The verification key of SendGrid's webhook in newsletter.yml: accepted ones, and the problems of others."""

from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from newsletter.errors import ConfigError
from tests import samples
from tests.fakes.sendgrid_webhook import WebhookSigner

KEY = WebhookSigner().public_key


def configured(folder: Path, key: str) -> str | None:
    extra = "sendgrid:\n  webhook_key: |\n" + "".join(f"    {line}\n" for line in key.splitlines())
    return samples.newsletter(folder, extra=extra).config.sendgrid.webhook_key


def der(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def test_a_key_is_accepted_as_sendgrid_shows_it_and_as_a_file(tmp_path: Path) -> None:
    as_file = f"-----BEGIN PUBLIC KEY-----\n{KEY[:64]}\n{KEY[64:]}\n-----END PUBLIC KEY-----\n"
    assert configured(tmp_path, KEY) == KEY
    assert configured(tmp_path, as_file) == KEY


def test_every_key_is_accepted(tmp_path: Path) -> None:
    keys = [WebhookSigner().public_key for _ in range(20)]
    assert [configured(tmp_path, key) for key in keys] == keys


def damaged() -> str:
    content = bytearray(b64decode(KEY))
    content[-1] ^= 1
    return b64encode(content).decode()


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        pytest.param("SG.abc_def-ghi", "is not base64", id="api-key"),
        pytest.param("-----BEGIN EC PRIVATE KEY-----", "is a private key", id="private"),
        pytest.param(KEY[:-4], "is only a part of a key", id="cut"),
        pytest.param(KEY[:20], "is only a part of a key", id="beginning"),
        pytest.param(b64encode(b64decode(KEY) + b"more").decode(), "is longer than a key", id="long"),
        pytest.param("c29tZSB0ZXh0", "is not a public key for P-256", id="text"),
        pytest.param(
            der(ec.generate_private_key(ec.SECP384R1())), "is not a public key for P-256", id="p-384"
        ),
        pytest.param(der(rsa.generate_private_key(65537, 2048)), "is not a public key for P-256", id="rsa"),
        pytest.param(damaged(), "is damaged", id="damaged"),
    ],
)
def test_another_text_is_refused_with_its_problem(tmp_path: Path, key: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        configured(tmp_path, key)
    (found,) = raised.value.problems
    assert problem in found.what and "webhook_key" in str(found)
    assert "copy the verification key from SendGrid" in str(found) and key not in str(found)
