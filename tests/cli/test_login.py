"""What `tenure login` takes as an address."""

import pytest

from tenure.entrypoints.cli.governance import parted


@pytest.mark.parametrize(
    ("given", "address", "code"),
    [
        ("https://tenure.example.com", "https://tenure.example.com", ""),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/", ""),
        ("http://127.0.0.1:8080/sign-in?code=tnl_x", "http://127.0.0.1:8080", "tnl_x"),
        ("https://example.com/tenure/sign-in?code=tnl_x", "https://example.com/tenure", "tnl_x"),
    ],
)
def test_a_sign_in_link_is_an_address_with_a_code(given: str, address: str, code: str) -> None:
    assert parted(given) == (address, code)
