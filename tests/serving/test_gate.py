"""Who may ask: the key in all its forms, hosts' names, pages of other origins."""

import base64

import httpx
import pytest
from sent_pictures import png, stroke
from service_process import ServiceProcess


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("authorization", "Bearer {}"),
        ("authorization", "bearer  {}"),
        ("x-api-key", "{}"),
        ("authorization", "Basic"),
    ],
)
def test_the_key_is_taken_in_three_forms(
    strict_service: ServiceProcess, key: str, header: str, form: str
) -> None:
    value = basic(key) if form == "Basic" else form.format(key)
    answer = strict_service.http.post("/v1/predict", content=png(stroke()), headers={header: value})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": "a key"},
        {"x-api-key": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer a key, with blanks: and a colon "[:-2]},
        {"authorization": "Basic !"},
        {"authorization": "Basic " + base64.b64encode(b"a key").decode()},
        {"authorization": basic("")},
        {"authorization": "Digest a key, with blanks: and a colon"},
    ],
)
@pytest.mark.parametrize("address", ["/v1/predict", "/", "/docs", "/metrics", "/v1/models", "/x"])
def test_without_the_key_nothing_is_answered(
    strict_service: ServiceProcess, headers: dict[str, str], address: str
) -> None:
    method = "POST" if address == "/v1/predict" else "GET"
    answer = strict_service.http.request(method, address, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert "`Authorization: Bearer KEY`" in answer.json()["detail"]


def test_health_needs_no_key(strict_service: ServiceProcess) -> None:
    assert strict_service.http.get("/healthz").status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:9"])
def test_a_service_on_loopback_answers_to_its_own_names(service: ServiceProcess, host: str) -> None:
    assert service.http.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["example.org", "localhost.example.org", "127.0.0.1.nip.io:80"])
def test_other_names_that_lead_to_it_are_refused(service: ServiceProcess, host: str) -> None:
    answer = service.http.get("/v1/models", headers={"host": host})
    assert answer.status_code == 421
    assert "`--allow-host`" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        ("1.1", [], 400),
        ("1.0", [], 200),
        ("1.1", ["localhost", "localhost"], 400),
        ("1.1", ["localhost", "example.org"], 400),
        ("1.1", ["localhost:80@example.org"], 400),
        ("1.1", ["[::1]example.org"], 400),
        ("1.1", ["localhost/"], 400),
        ("1.1", ["localhost:http"], 400),
        ("1.1", ["local host"], 400),
        ("1.1", [""], 400),
        ("1.1", ["localhost:"], 200),
        ("1.1", [" [::1]:80 "], 200),
    ],
)
def test_a_request_says_once_whom_it_is_for(
    service: ServiceProcess, version: str, hosts: list[str], status: int
) -> None:
    lines = [f"GET /healthz HTTP/{version}", *(f"Host: {host}" for host in hosts)]
    answer = service.talk("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer


def preflight(service: ServiceProcess, origin: str) -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return service.http.options("/v1/predict", headers=headers)


def test_pages_of_other_origins_may_not_ask(service: ServiceProcess) -> None:
    other = {"origin": "https://example.org"}
    answer = service.http.post("/v1/predict", content=png(stroke()), headers=other)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert preflight(service, "https://example.org").status_code == 403
    own = {"origin": service.address}
    assert service.http.post("/v1/predict", content=png(stroke()), headers=own).is_success


def test_allowed_origins_and_hosts_may_ask(strict_service: ServiceProcess, key: str) -> None:
    asked = preflight(strict_service, "https://example.org")
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == "https://example.org"
    assert "x-api-key" in asked.headers["access-control-allow-headers"]
    headers = {"origin": "https://example.org", "host": "proxy.example", "x-api-key": key}
    answer = strict_service.http.post("/v1/predict", content=png(stroke()), headers=headers)
    assert answer.is_success
    assert answer.headers["access-control-allow-origin"] == "https://example.org"
    assert answer.headers["vary"] == "origin"
    refused = strict_service.http.get("/v1/models", headers={**headers, "x-api-key": "no"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://example.org"
    del headers["origin"]  # a cache must not give this answer to a page
    assert strict_service.http.get("/v1/models", headers=headers).headers["vary"] == "origin"
    assert preflight(strict_service, "https://example.com").status_code == 403
    assert key not in "".join(strict_service.lines)
