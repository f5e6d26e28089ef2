"""Which URLs can be attacked, and what is said of those that cannot."""

import pytest

from load_tester.domain.target import InvalidTarget, Target, parse_target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://host", Target(False, "host", 80, "", "host")),
        ("http://host/", Target(False, "host", 80, "", "host")),
        ("http://host:80", Target(False, "host", 80, "", "host")),
        ("http://host:", Target(False, "host", 80, "", "host")),
        ("http://host:8080", Target(False, "host", 8080, "", "host:8080")),
        ("https://host", Target(True, "host", 443, "", "host")),
        ("https://host:443/", Target(True, "host", 443, "", "host")),
        ("https://host:80", Target(True, "host", 80, "", "host:80")),
        ("http://host:443", Target(False, "host", 443, "", "host:443")),
        ("HTTP://HOST/Path", Target(False, "host", 80, "/Path", "host")),
        ("http://host/a/b/", Target(False, "host", 80, "/a/b", "host")),
        ("http://host/a%20b", Target(False, "host", 80, "/a%20b", "host")),
        ("http://my_host.local.", Target(False, "my_host.local.", 80, "", "my_host.local.")),
        ("http://127.0.0.1:9999", Target(False, "127.0.0.1", 9999, "", "127.0.0.1:9999")),
        ("http://[::1]", Target(False, "::1", 80, "", "[::1]")),
        ("https://[2001:db8::1]:8443/x", Target(True, "2001:db8::1", 8443, "/x", "[2001:db8::1]:8443")),
        ("http://b\u00fccher.example", Target(False, "xn--bcher-kva.example", 80, "", "xn--bcher-kva.example")),
        ("http://host?", Target(False, "host", 80, "", "host")),
    ],
)
def test_a_url_is_taken_apart(url: str, target: Target) -> None:
    """The authority leaves out the scheme's own port; the prefix has no slash at its end."""
    assert parse_target(url) == target


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "'' has no http or https scheme; expected http://host:port or https://host:port"),
        ("host:8080", "has no http or https scheme"),
        ("//host", "has no http or https scheme"),
        ("ftp://host", "'ftp://host' has no http or https scheme"),
        ("http:/host", "has no host"),
        ("http://", "'http://' has no host"),
        ("http://:80", "has no host"),
        ("http://user@host", "holds a user name or password"),
        ("http://user:secret@host", "holds a user name or password"),
        ("http://user:secret@host:x", "'http://…@host:x' is not a URL"),
        ("http://@host", "holds a user name or password"),
        ("http://host/?x=y", "has a query or a fragment"),
        ("http://host/#x", "has a query or a fragment"),
        ("http://host:0", "has port 0; expected 1 to 65535"),
        ("http://host:65536", "is not a URL (Port out of range 0-65535)"),
        ("http://host:http", "is not a URL (Port could not be cast"),
        ("http://host:-1", "is not a URL"),
        ("http://[::1", "is not a URL"),
        ("http://[host]", "is not a URL"),
        ("http://a..b", "has a host that is not a valid name"),
        ("http://" + "a" * 64 + ".example", "has a host that is not a valid name"),
        ("http://a b", "holds white space or control characters"),
        ("http://host/a b", "holds white space or control characters"),
        ("http://host/caf\u00e9", "holds characters that must be percent-encoded"),
        ("http://host/a\tb", "holds white space or control characters"),
        ("http://ho\nst", "holds white space or control characters"),
        (" http://host", "holds white space or control characters"),
        ("http://[fe80::1%25eth0]/", "has a host with a zone"),
    ],
)
def test_what_cannot_be_attacked_is_refused(url: str, message: str) -> None:
    """The message repeats the URL, except for a password, and says what is wrong with it."""
    with pytest.raises(InvalidTarget) as refusal:
        parse_target(url)
    assert message in str(refusal.value)
    assert "secret" not in str(refusal.value)
