"""Passwords and tokens are left out of what is kept and told."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lenet.core import hide_in_command, hide_secrets


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:{}@host/database",
        "(postgresql+psycopg://me:p@ss/{}@host:5432/database?sslmode=require)",
        "Max retries: HTTPSConnectionPool(https://me:{}@host:5000): no route",
        "https://{}@host/mlflow",
        "http://host/api?run=3&access_token={}&page=1",
        "postgresql://host/database?sslpassword={}",
        "connection to host=a password={} failed",
        "PGPASSWORD={}",
    ],
)
@given(secret=st.text(string.ascii_letters + string.digits + "!%+-._~:/", min_size=8))
def test_a_secret_is_hidden_and_the_rest_is_not(text: str, secret: str) -> None:
    if text.startswith("https://{}"):
        secret = secret.translate({ord(mark): "-" for mark in ":/"})
    assume(secret not in text)
    hidden = hide_secrets(text.format(secret))
    assert secret not in hidden
    assert "***" in hidden
    assert hidden.startswith(text.partition("{")[0].partition("p@ss")[0])


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me@host/database",
        "git@host:lenet",
        "at 12:30, you@host",
        "tokens = 3",
        "key=3",
        "file:///a/b@c",
    ],
)
def test_what_holds_none_stays_as_it_is(text: str) -> None:
    assert hide_secrets(text) == text


def test_a_secret_may_follow_its_option() -> None:
    command = ["train.py", "--password", "a", "--mlflow-token=b", "-secret", "--epochs", "3"]
    hidden = ["train.py", "--password", "***", "--mlflow-token=***", "-secret", "--epochs", "3"]
    assert hide_in_command(command) == hidden
