"""What goes into a pipe comes out of it, in whatever pieces."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metrics_text import read_metrics

from lenet.errors import SettingError
from lenet.serving import ServiceSettings

# The words between pool and worker, which no client sees.
from lenet.serving._messages import (
    Answer,
    Job,
    MessageReader,
    Question,
    read_answers,
    read_batch,
    write_answers,
    write_batch,
)
from lenet.serving._metrics import Metrics

QUESTIONS = st.builds(
    Question,
    st.integers(0, 65535),
    st.integers(1, 1000),
    st.none() | st.floats(0, 1),
    st.booleans(),
    st.booleans(),
)
KINDS = st.sampled_from(["picture", "form", "json"])
JOBS = st.builds(Job, QUESTIONS, KINDS, st.binary(max_size=40), st.binary(max_size=200))
COUNTS = st.integers(0, 10**6)
ANSWERS = st.builds(
    Answer, st.integers(100, 599), st.binary(max_size=200), COUNTS, COUNTS, COUNTS, COUNTS
)


@given(st.lists(st.lists(JOBS, max_size=4), max_size=4), st.integers(1, 50))
def test_batches_survive_being_cut_into_pieces(batches: list[list[Job]], step: int) -> None:
    sent = b"".join(map(write_batch, batches))
    reader = MessageReader()
    received = [
        list(read_batch(memoryview(message)))
        for place in range(0, len(sent), step)
        for message in reader.feed(sent[place : place + step])
    ]
    assert received == batches


def test_long_headers_and_many_symbols_fit() -> None:
    (message,) = MessageReader().feed(write_batch([Job(Question(0), "form", bytes(70_000), b"")]))
    assert [job.content_type for job in read_batch(memoryview(message))] == [bytes(70_000)]
    (message,) = MessageReader().feed(write_answers([Answer(200, b"", 70_000)]))
    assert [answer.predictions for answer in read_answers(message)] == [70_000]


@given(st.lists(ANSWERS, max_size=5))
def test_answers_survive(answers: list[Answer]) -> None:
    (message,) = MessageReader().feed(write_answers(answers))
    assert list(read_answers(message)) == answers


@given(st.dictionaries(st.tuples(st.text(), st.integers(100, 599)), st.integers(0, 10**9)))
def test_any_label_can_be_told(requests: dict[tuple[str, int], int]) -> None:
    metrics = Metrics()
    for labels, count in requests.items():
        metrics.requests(*labels).inc(count)
    samples = read_metrics(metrics.to_text().decode())
    assert sum(value for (name, _), value in samples.items() if "requests_total" in name) == sum(
        requests.values()
    )


def test_a_batch_counts_into_the_bucket_of_its_size() -> None:
    metrics = Metrics()
    for size in (1, 2, 2, 4, 17):
        metrics.batches.observe(size)
    samples = read_metrics(metrics.to_text().decode())
    bounds = ("1.0", "2.0", "4.0", "8.0", "16.0", "+Inf")
    name = "lenet_batch_requests"
    assert [samples[f"{name}_bucket", (("le", bound),)] for bound in bounds] == [1, 3, 4, 4, 4, 5]
    assert samples[f"{name}_sum", ()] == 26


@pytest.mark.parametrize(
    ("setting", "value", "fragment"),
    [
        ("port", 65536, "`port` must be at most 65535"),
        ("timeout", 0.0, "`timeout` must be above 0"),
        ("timeout", float("nan"), "`timeout` must be above 0"),
        ("queue", 0, "`queue` must be at least 1"),
        ("max_body", 2**30, "`max_body` must be at most"),
        ("api_key", " ", "`api_key` is empty"),
        ("api_key", "a\nb", "must be printable"),
        ("allow_origins", ("example.org",), "`example.org` is no origin"),
        ("api_key", " key", "blanks at its ends"),
        ("allow_origins", ("https://example.org/",), "is no origin"),
        ("allow_origins", ("https://Example.org",), "is no origin"),
        ("allow_origins", ("https://example.org:443",), "is no origin"),
        ("allow_origins", ("https://example.org:port",), "is no origin"),
        ("allow_hosts", ("example.org:443",), "without a port"),
        ("allow_hosts", ("https://example.org",), "is no host's name"),
    ],
)
def test_settings_that_can_not_be_are_refused(setting: str, value: object, fragment: str) -> None:
    with pytest.raises(SettingError, match=fragment):
        dataclasses.replace(ServiceSettings(), **{setting: value})


def test_origins_and_hosts_may_have_all_forms_that_clients_send() -> None:
    origins = "https://example.org", "http://localhost:8080", "http://[::1]:9", "app://x", "*"
    hosts = "example.org", "my_host", "::1", "127.0.0.2"
    settings = ServiceSettings(allow_origins=origins, allow_hosts=hosts)
    assert (settings.allow_origins, settings.allow_hosts) == (origins, hosts)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("example.org", False),
    ],
)
def test_loopback_is_known(host: str, is_loopback: bool) -> None:
    assert ServiceSettings(host=host).is_loopback is is_loopback
