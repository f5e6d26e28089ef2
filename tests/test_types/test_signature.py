"""The signatures of Relays: known ones come out, and whoever knows the public key can verify them."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from test_types.project_config import DEFAULT_PRIVATE_KEY, DEFAULT_PUBLIC_KEY
from test_types.signature import Signer

PUBLIC = "ftFuDNBFm8-kPCoCaaWMio_mJYC2txJuCtwSeHn2vv0"
PRIVATE = "uZUtRrryN8jybTTOjbs5EDfqWNwyDfEng4TSRa6Ifhs"
SIGNATURE = (
    "fI9HUkBnG_spOO3GuflscY0LXNuaMxxELsaaPo0KTrfnKfoXaHUibfFto-JvAU8ySbjKVA_Gmi1kw1AjnDsvAw"
    ".eyJ0IjoiMjAyMi0xMC0xMFQxMDoxMDoxMFoifQ"
)


def unpadded(text: str) -> bytes:
    """What base64url without padding says."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_known_signature_comes_out() -> None:
    """Key, body and time of go-load-tester's own test make the signature that it makes, byte for byte."""
    moment = datetime(2022, 10, 10, 10, 10, 10, tzinfo=UTC)
    assert Signer(PRIVATE).signature(b"hello", int(moment.timestamp())) == SIGNATURE


@pytest.mark.parametrize(("private", "public"), [(PRIVATE, PUBLIC), (DEFAULT_PRIVATE_KEY, DEFAULT_PUBLIC_KEY)])
def test_the_public_key_belongs_to_the_private_one(private: str, public: str) -> None:
    """It is derived, not believed."""
    assert Signer(private).public_key == public


@given(st.lists(st.tuples(st.binary(max_size=200), st.integers(0, 4_000_000_000)), min_size=1, max_size=5))
def test_every_signature_can_be_verified_with_the_public_key(hits: list[tuple[bytes, int]]) -> None:
    """The signed header tells the second, and header and body are what was signed; another body is not."""
    signer, public = Signer(PRIVATE), Ed25519PublicKey.from_public_bytes(unpadded(PUBLIC))
    for body, second in hits:
        signature, header = map(unpadded, signer.signature(body, second).split("."))
        assert datetime.fromisoformat(json.loads(header)["t"]).timestamp() == second
        public.verify(signature, header + b"\0" + body)
        with pytest.raises(InvalidSignature):
            public.verify(signature, header + b"\0" + body + b"!")
