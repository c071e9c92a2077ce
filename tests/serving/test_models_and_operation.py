"""The routes beside the answers: models, health, figures, descriptions, the page."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from metrics_text import read_metrics
from sent_pictures import png, stroke
from service_process import ServiceProcess

import lenet
from lenet.models import load_model

# A limit of the system's, and models before a service has them.
from lenet.serving._connections import most_connections
from lenet.serving._models import take_models
from page_in_browser import PageBrowser


def test_models_are_told_as_their_files_say(service: ServiceProcess) -> None:
    told = service.http.get("/v1/models").json()["models"]
    assert [model["name"] for model in told] == ["digits", "fashion"]
    for model in told:
        network, card = lenet.load(model["name"])
        assert model["class_names"] == list(card.class_names)
        assert model["input_shape"] == list(card.input_shape)
        assert model["preparation"] == json.loads(json.dumps(card.preparation.to_dict()))
        told = card.calibration.to_dict()
        assert model["calibration"] == {name: told[name] for name in model["calibration"]}
        assert told.keys() - model["calibration"].keys() == {"whitening", "means"}
        assert model["results"] == card.results
        assert model["parameters"] == sum(value.numel() for value in network.parameters())
        assert service.http.get(f"/v1/models/{model['name']}").json() == model


def test_a_models_file_comes_as_it_is_and_only_once(
    service: ServiceProcess, tmp_path: Path
) -> None:
    address = service.http.get("/v1/models/fashion").json()["file"]
    answer = service.http.get(address)
    (tmp_path / "model.safetensors").write_bytes(answer.content)
    _, card = load_model(tmp_path / "model.safetensors")
    assert card == lenet.load("fashion")[1]
    tag = answer.headers["etag"]
    again = service.http.get(address, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert service.http.get("/v1/models/digits/file").headers["etag"] != tag


@pytest.mark.parametrize("address", ["/v1/models/digit", "/v1/models/digit/file"])
def test_an_unknown_model_offers_the_nearest(service: ServiceProcess, address: str) -> None:
    answer = service.http.get(address)
    assert answer.status_code == 404
    assert "Unknown model `digit`. Did you mean `digits`?" in answer.json()["detail"]


def test_a_run_is_served_under_its_name(
    trained: tuple[ServiceProcess, lenet.Run, Path],
) -> None:
    service, run, _ = trained
    content = png(stroke())
    told = service.http.post("/v1/predict?threshold=0", content=content).json()
    # A training that goes on does not change what is answered.
    run.model_path.write_bytes(lenet.models.BUNDLED["digits"].read_bytes())
    again = service.http.post("/v1/predict?threshold=0", content=content).json()
    assert told == again
    assert told["model"] == run.name


def test_a_file_that_changes_meanwhile_is_one_model_or_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "mine.safetensors"
    source.write_bytes(lenet.models.BUNDLED["digits"].read_bytes())
    (tmp_path / "copies").mkdir()

    def write_and_train(path: Path, content: bytes) -> None:
        path.write_bytes(content)
        source.write_bytes(lenet.models.BUNDLED["fashion"].read_bytes())

    monkeypatch.setattr("lenet.serving._models.write_atomically", write_and_train)
    (model,) = take_models([source], tmp_path / "copies")
    assert model.card == lenet.load("digits")[1]
    assert model.copy.read_bytes() == model.content


def test_fewer_connections_are_kept_where_files_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    for files, most in ((256, 128), (1024, 512), (resource.RLIM_INFINITY, 512)):
        monkeypatch.setattr(resource, "getrlimit", lambda kind, files=files: (files, files))
        assert most_connections() == most


def test_errors_are_json_on_every_route(service: ServiceProcess) -> None:
    for method, address, status in [
        ("GET", "/nothing", 404),
        ("GET", "/v1/models/a/b/c", 404),
        ("GET", "/v1/models/digits/", 404),
        ("DELETE", "/v1/models", 405),
        ("POST", "/", 405),
    ]:
        answer = service.http.request(method, address)
        assert answer.status_code == status
        assert list(answer.json()) == ["detail"]
    assert service.http.request("DELETE", "/v1/models").headers["allow"] == "GET"


def test_health_is_told(service: ServiceProcess) -> None:
    answer = service.http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_figures_are_in_prometheus_text(service: ServiceProcess) -> None:
    before = read_metrics(service.http.get("/metrics").text)
    service.http.post("/v1/predict", content=png(stroke()))
    service.http.post("/v1/predict", content=b"x")
    service.http.get("/%22%0a/odd")
    answer = service.http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    after = read_metrics(answer.text)

    def grown(name: str, **labels: str) -> float:
        key = name, tuple(sorted(labels.items()))
        return after[key] - before.get(key, 0)

    assert grown("lenet_requests_total", route="/v1/predict", status="200") == 1
    assert grown("lenet_requests_total", route="/v1/predict", status="415") == 1
    assert grown("lenet_requests_total", route="other", status="404") == 1
    assert grown("lenet_predict_seconds_count") == 2
    assert grown("lenet_predictions_total", model="digits", doubt="none") == 1
    assert after["lenet_workers", ()] == 2
    memory = [key for key in after if key[0] == "lenet_process_resident_memory_bytes"]
    assert len(memory) == 3


def test_the_description_is_valid_and_its_examples_work(service: ServiceProcess) -> None:
    description = service.http.get("/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    paths = ["/v1/predict", "/v1/models", "/v1/models/{name}", "/v1/models/{name}/file"]
    assert set(description["paths"]) == {*paths, "/healthz", "/metrics"}
    operation = description["paths"]["/v1/predict"]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    validate(body["schema"], None, description)
    answered = operation["responses"]["200"]["content"]["application/json"]
    validate(answered["schema"], answered["example"], description)
    for example in body["examples"].values():
        validate(body["schema"], example["value"], description)
        answer = service.http.post("/v1/predict?image=true", json=example["value"])
        assert answer.status_code == 200, answer.text
        assert answer.json()["predictions"][0]["class_name"] == "1"
        validate(answered["schema"], answer.json(), description)
    for address in ("/v1/models", "/v1/models/digits", "/healthz"):
        path = address.replace("digits", "{name}")
        answer_schema = description["paths"][path]["get"]["responses"]["200"]["content"]
        told = service.http.get(address).json()
        validate(answer_schema["application/json"]["schema"], told, description)


ASK = b"POST /v1/predict HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\n"
SENT = {  # by a key that is known, and how a request goes on
    400: (True, b"Host: localhost\r\n\r\n"),
    401: (False, b"\r\n"),
    403: (True, b"Origin: https://example.com\r\n\r\n"),
    408: (True, b"Content-Length: 9\r\n\r\n"),
    413: (True, b"Content-Length: 99999999\r\n\r\n"),
    415: (True, b"Content-Type: text/html\r\n\r\n"),
    431: (True, b"A: " + b"b" * 40_000 + b"\r\n\r\n"),
}


def test_every_status_that_is_sent_is_described(strict_service: ServiceProcess, key: str) -> None:
    known = {"x-api-key": key}
    paths = strict_service.http.get("/openapi.json", headers=known).json()["paths"]
    operations = {path: next(iter(methods.values())) for path, methods in paths.items()}
    described = {path: set(one["responses"]) for path, one in operations.items()}
    for status, (is_known, rest) in SENT.items():
        words = b"X-API-Key: %s\r\n" % key.encode() if is_known else b""
        assert strict_service.talk(ASK + words + rest).startswith(b"HTTP/1.1 %d " % status)
        assert str(status) in described["/v1/predict"]
    everywhere = {"400", "403", "408", "421", "431", "503"}
    assert all(everywhere < statuses for statuses in described.values())
    assert {path for path, told in described.items() if "401" not in told} == {"/healthz"}
    for query in ("?model=none", "?top=0"):
        answer = strict_service.http.post(f"/v1/predict{query}", headers=known)
        assert str(answer.status_code) in described["/v1/predict"]


def test_exactly_one_form_of_a_picture_is_described(service: ServiceProcess) -> None:
    description = service.http.get("/openapi.json").json()
    schema = {"$ref": "#/components/schemas/Pictures"}
    forms = {"base64": "", "pixels": [[0, True, 0.5]], "prepared": [[[0]]]}
    for form, value in forms.items():
        validate(schema, {"pictures": [{form: value, "name": None}]}, description)
    for picture in ({}, {"base64": None}, {"base64": "", "pixels": [[0]]}, {"pixels": [["0"]]}):
        with pytest.raises(jsonschema.ValidationError):
            validate(schema, {"pictures": [picture]}, description)


def validate(schema: dict[str, Any], value: object, description: dict[str, Any]) -> None:
    """Hold a value, if there is one, to a schema, and the schema to JSON Schema."""
    whole = {**schema, "components": description["components"]}
    jsonschema.Draft202012Validator.check_schema(whole)
    if value is not None:
        jsonschema.validate(value, whole, jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("address", "heading"), [("/", "LeNet playground"), ("/docs", "The service")]
)
def test_the_pages_ask_nobody_else(
    service: ServiceProcess, page_browser: PageBrowser, address: str, heading: str
) -> None:
    def look(page: Any) -> tuple[list[str], list[str], str, int]:
        complaints: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(service.address + address)
        width = page.evaluate("document.documentElement.scrollWidth")
        return complaints, asked, page.inner_text("h1"), width

    complaints, asked, title, width = page_browser.visit(look, width=390)
    assert complaints == []
    own = (service.address, "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert heading in title
    assert width <= 390
    policy = service.http.get(address).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy


def test_the_reference_names_every_parameter_and_field(service: ServiceProcess) -> None:
    text = service.http.get("/docs").text
    description = service.http.get("/openapi.json").json()
    for parameter in description["paths"]["/v1/predict"]["post"]["parameters"]:
        assert f"<code>{parameter['name']}</code>" in text
    for name in ("Prediction", "Picture", "Model"):
        for field in description["components"]["schemas"][name]["properties"]:
            assert f"<code>{field}</code>" in text
    assert json.dumps("http://example.org") not in text
    assert f"{service.address}/v1/models/digits/file" in text
    assert "localhost:8000" not in text


def test_a_worker_that_the_system_kills_is_replaced_and_keeps_its_place(
    service: ServiceProcess,
) -> None:
    memory, restarts = "lenet_process_resident_memory_bytes", "lenet_worker_restarts_total"

    def places() -> set[str]:
        read = read_metrics(service.http.get("/metrics").text)
        return {dict(labels)["process"] for name, labels in read if name == memory}

    assert places() == {"service", "worker-1", "worker-2"}
    before, killed = service.metric(restarts), min(service.worker_ids)
    os.kill(killed, signal.SIGKILL)
    statuses = [
        service.http.post("/v1/predict", content=png(stroke())).status_code for _ in range(20)
    ]
    assert statuses == [200] * 20
    service.wait_for(restarts, before + 1)
    service.wait_for("lenet_workers", 2)
    assert places() == {"service", "worker-1", "worker-2"}
    assert service.metric(restarts) == before + 1
    assert killed not in service.worker_ids


def test_head_requests_are_answered_without_a_body(service: ServiceProcess) -> None:
    answer: httpx.Response = service.http.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")
