"""What the service answers is what `lenet.predict` says, in whatever form pictures come."""

import base64
import io
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sent_pictures import digit_files, png, stroke
from service_process import ServiceProcess, post_all

import lenet
from lenet.datasets import draw_strangers
from lenet.pictures import PreparedPicture
from lenet.serving import Prediction

PHOTOS = Path(__file__).parents[2] / "docs/images/photos"


def assert_same(told: Mapping[str, Any], expected: Prediction) -> None:
    """A JSON object says what a prediction does."""
    assert told["class_name"] == expected.class_name
    assert told["doubt"] == expected.doubt
    assert (told["threshold"], told["none_probability"]) == (
        expected.threshold,
        expected.none_probability,
    )
    assert told["probability"] == pytest.approx(expected.probability, abs=1e-12)
    top = [(entry["class_name"], entry["probability"]) for entry in told["top"]]
    assert [name for name, _ in top] == [name for name, _ in expected.top]
    assert [share for _, share in top] == pytest.approx([share for _, share in expected.top])
    assert list(told["box"]) == ["top", "left", "bottom", "right"]
    assert list(told["box"].values()) == pytest.approx(expected.seen.box)
    assert told["several"] is expected.seen.is_several


def predictions(answer: httpx.Response) -> list[dict[str, Any]]:
    """The answers in an answer that went well."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def ask(service: ServiceProcess, query: str = "", **request: Any) -> httpx.Response:
    return service.http.post(f"/v1/predict{query}", **request)


def detail(answer: httpx.Response) -> str:
    """What a refusal says."""
    assert answer.headers["content-type"] == "application/json"
    values = answer.json()
    assert list(values) == ["detail"]
    return str(values["detail"])


def test_many_at_once_get_what_each_gets_alone(service: ServiceProcess) -> None:
    files = digit_files(60) + [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))]
    batches = service.metric("lenet_batch_requests_count")
    with ThreadPoolExecutor(2) as pool:
        with service.standing():
            first = pool.submit(post_all, service, files[:2])
            service.wait_for("lenet_workers_busy", 2)
            others = pool.submit(post_all, service, files[2:])
            service.wait_for("lenet_queue_requests", 16)
        answers = [*first.result(), *others.result()]
    model = lenet.open_model("digits")
    for content, answer in zip(files, answers, strict=True):
        (told,) = predictions(answer)
        assert_same(told, lenet.predict(model, content)[0])
    sent = service.metric("lenet_batch_requests_count") - batches
    assert sent < len(files), "some went together"


def test_another_model_answers_when_it_is_named(service: ServiceProcess) -> None:
    content = png(stroke())
    answer = ask(service, "?model=fashion&top=10", content=content)
    assert answer.json()["model"] == "fashion"
    assert_same(predictions(answer)[0], lenet.predict("fashion", content, top=10)[0])


@pytest.mark.parametrize(
    "kind", ["image/png", "application/octet-stream", "application/x-www-form-urlencoded", None]
)
def test_a_raw_body_may_be_called_what_clients_call_it(
    service: ServiceProcess, kind: str | None
) -> None:
    headers = {"content-type": kind} if kind else {}
    (told,) = predictions(ask(service, content=png(stroke()), headers=headers))
    assert told["class_name"] == "1"
    assert told["picture"] == 0
    assert told["name"] is None


def test_a_form_brings_several_files(service: ServiceProcess) -> None:
    files = {name: (PHOTOS / name).read_bytes() for name in ("a.jpg", "b.jpg", "c.jpg")}
    sent = [("picture", (name, content, "image/jpeg")) for name, content in files.items()]
    told = predictions(ask(service, files=sent))
    assert [one["name"] for one in told] == list(files)
    assert [one["picture"] for one in told] == [0, 1, 2]
    for one, content in zip(told, files.values(), strict=True):
        assert_same(one, lenet.predict("digits", content)[0])


def test_json_brings_base64_pixels_and_prepared_images(service: ServiceProcess) -> None:
    grey = stroke(30, 20)
    colour = np.stack([grey, 255 - grey // 2, grey], axis=2)
    seen = lenet.predict("digits", grey)[0].seen.image
    encoded = base64.b64encode(png(grey)).decode()
    pictures = [
        {"base64": encoded, "name": "一.png"},
        {"base64": f"data:image/png;base64,{encoded}"},
        {"pixels": grey.tolist()},
        {"pixels": colour.tolist()},
        {"pixels": (grey / 255).tolist()},
        {"pixels": (colour / 255).tolist()},
        {"pixels": (grey > 100).tolist()},
        {"prepared": seen.tolist()},
    ]
    told = predictions(ask(service, json={"pictures": pictures}))
    sources = [png(grey), png(grey), grey, colour, grey, colour, grey > 100]
    sources += [PreparedPicture(seen, (0.0, 0.0, 1.0, 1.0))]
    for one, source in zip(told, sources, strict=True):
        assert_same(one, lenet.predict("digits", source)[0])
    assert told[0]["name"] == "一.png"


def test_a_field_that_is_null_is_left_out(service: ServiceProcess) -> None:
    picture = {"base64": None, "pixels": stroke().tolist(), "prepared": None, "name": None}
    (told,) = predictions(ask(service, json={"pictures": [picture]}))
    assert (told["class_name"], told["name"]) == ("1", None)
    answer = ask(service, json={"pictures": [{"base64": None}]})
    assert answer.status_code == 422
    assert "with one of `base64`" in detail(answer)


def test_symbols_are_cut_out_of_a_page(service: ServiceProcess) -> None:
    page = (PHOTOS / "page.jpg").read_bytes()
    told = predictions(ask(service, "?many=true", content=page))
    expected = lenet.predict("digits", page, many=True)
    assert len(expected) > 5
    assert predictions(ask(service, content=page))[0]["several"]
    for one, prediction in zip(told, expected, strict=True):
        assert_same(one, prediction)
    refused = ask(service, "?many&model=fashion", content=page)
    assert refused.status_code == 422
    assert "Only drawn symbols can be cut out" in detail(refused)


def test_what_the_network_saw_can_be_seen(service: ServiceProcess) -> None:
    content = (PHOTOS / "a.jpg").read_bytes()
    (told,) = predictions(ask(service, "?image=true", content=content))
    kind, _, data = told["image"].partition(",")
    assert kind == "data:image/png;base64"
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert np.array_equal(image, lenet.predict("digits", content)[0].seen.image[0])


def test_doubt_is_told(service: ServiceProcess) -> None:
    (blank,) = predictions(ask(service, content=png(np.full((40, 40), 255, np.uint8))))
    assert (blank["class_name"], blank["doubt"], blank["top"]) == (None, "blank", [])
    (stranger,) = draw_strangers(1, kinds=["han"], preparation=None).images[:, 0]
    content = png(stranger)
    (unsure,) = predictions(ask(service, content=content))
    assert (unsure["class_name"], unsure["doubt"]) == (None, "unsure")
    (forced,) = predictions(ask(service, "?threshold=0", content=content))
    assert_same(forced, lenet.predict("digits", content, threshold=0)[0])


JSON = "application/json"
FORM = {"content-type": "multipart/form-data; boundary=a"}
FIELD = b'--a\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n'
REFUSED: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "an unknown model": ("?model=digit", {"content": b"x"}, 404, "Did you mean `digits`?"),
    "an unknown parameter": ("?tpo=1", {"content": b"x"}, 422, "Did you mean `top`?"),
    "no number": ("?top=many", {"content": b"x"}, 422, "`top` must be a whole number from 1"),
    "an odd number": ("?top=3.0", {"content": b"x"}, 422, "from 1 to 1000, not `3.0`"),
    "a long number": ("?top=1_0", {"content": b"x"}, 422, "from 1 to 1000, not `1_0`"),
    "none of the classes": ("?top=0", {"content": b"x"}, 422, "from 1 to 1000, not `0`"),
    "too many digits": (f"?top={'9' * 5000}", {"content": b"x"}, 422, "`top` must be"),
    "a threshold": ("?threshold=nan", {"content": b"x"}, 422, "`threshold` must be a number"),
    "no truth": ("?many=perhaps", {"content": b"x"}, 422, "`many` must be `true` or `false`"),
    "a parameter twice": ("?top=1&top=2", {"content": b"x"}, 422, "`top` stands twice"),
    "no text": ("?model=%ff", {"content": b"x"}, 404, "Unknown model"),
    "nothing": ("", {"content": b""}, 400, "The picture is empty."),
    "no picture": ("", {"content": b"hello"}, 415, "not a picture that lenet reads"),
    "a drawing": ("", {"content": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}, 415, "SVG"),
    "half a picture": ("", {"content": png(stroke())[:60]}, 400, "The picture is damaged"),
    "a text": (
        "",
        {"content": b"x", "headers": {"content-type": "text/plain"}},
        415,
        "not as `text/plain`",
    ),
    "no boundary": (
        "",
        {"content": b"x", "headers": {"content-type": "multipart/form-data"}},
        400,
        "no boundary",
    ),
    "a damaged form": (
        "",
        {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=a"}},
        400,
        "The form is damaged",
    ),
    "a long boundary": (
        "",
        {
            "content": b"x",
            "headers": {"content-type": f"multipart/form-data; boundary={'a' * 999}"},
        },
        400,
        "The form is damaged: Boundary length",
    ),
    "a very long boundary": (
        "",
        {
            "content": b"x",
            "headers": {"content-type": f"multipart/form-data;boundary={'a' * 70000}"},
        },
        431,
        "headers have more than 32,768 bytes",
    ),
    "a form that is cut off": (
        "",
        {
            "content": b'--a\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx',
            "headers": {"content-type": "multipart/form-data; boundary=a"},
        },
        400,
        "it ends before its last boundary",
    ),
    "a setting in a form": ("", {"files": {"model": (None, "digits")}}, 422, "holds no file"),
    # The rest, here not even whole, is not read.
    "a setting before much else": (
        "",
        {"content": 2 * FIELD + b"--a", "headers": FORM},
        422,
        "holds no file",
    ),
    "many files": (
        "",
        {"content": 66 * FIELD.replace(b"\r\n\r\n", b'; filename="x"\r\n\r\n'), "headers": FORM},
        413,
        "up to 64 pictures",
    ),
    "a bad file among good ones": (
        "",
        {"files": [("a", ("a.png", png(stroke()))), ("b", ("b.png", b"x"))]},
        415,
        "Picture 2, `b.png`: The picture is not a picture",
    ),
    "no JSON": (
        "",
        {"content": b"{", "headers": {"content-type": "application/json"}},
        400,
        "no JSON",
    ),
    "deep JSON": (
        "",
        {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}},
        400,
        "The body is no JSON",
    ),
    "millions of lists": (
        "",
        {"content": b'{"pictures": [' + 2**19 * b"[],", "headers": {"content-type": JSON}},
        413,
        "has more than 524,288 lists",
    ),
    "millions of texts": (
        "",
        {
            "content": b'{"pictures": [' + 2**18 * b'"",' + b'""]}',
            "headers": {"content-type": JSON},
        },
        413,
        "has more than 262,144 texts",
    ),
    "a list": ("", {"json": []}, 422, '{"pictures": [{"base64": "…"}]}'),
    "no pictures": ("", {"json": {"pictures": []}}, 422, "The request has no picture."),
    "a mistyped field": ("", {"json": {"pictures": [{"pixel": []}]}}, 422, "Did you mean `pixels`"),
    "a setting in JSON": ("", {"json": {"pictures": [], "top": 1}}, 422, "into the address"),
    "two forms": ("", {"json": {"pictures": [{"base64": "", "pixels": []}]}}, 422, "with one of"),
    "no base64": ("", {"json": {"pictures": [{"base64": "é!"}]}}, 422, "is no base64"),
    "ragged rows": ("", {"json": {"pictures": [{"pixels": [[1], [1, 2]]}]}}, 422, "of equal"),
    "fractions of 255": ("", {"json": {"pictures": [{"pixels": [[2.5]]}]}}, 422, "not normalised"),
    "0 and 1": ("", {"json": {"pictures": [{"pixels": [[0, 1]]}]}}, 422, "pass truth values"),
    "256": ("", {"json": {"pictures": [{"pixels": [[256]]}]}}, 422, "from 0 to 255"),
    "a huge number": ("", {"json": {"pictures": [{"pixels": [[10**30]]}]}}, 422, "of numbers"),
    "prepared fractions": (
        "",
        {"json": {"pictures": [{"prepared": [[[0.5]]]}]}},
        422,
        "whole numbers from 0 to 255",
    ),
    "one row": ("", {"json": {"pictures": [{"pixels": [1, 2, 3]}]}}, 422, "H×W×3; these are 3"),
    "two channels": ("", {"json": {"pictures": [{"pixels": [[[1, 2]]]}]}}, 422, "are 1×1×2"),
    "another size": ("", {"json": {"pictures": [{"prepared": [[[1]]]}]}}, 422, "1×28×28; this is"),
    "a name": ("", {"json": {"pictures": [{"pixels": [[1]], "name": 3}]}}, 422, "must be text"),
}


def test_16_bits_are_on_the_scale_that_the_network_was_taught_on(
    trained: tuple[ServiceProcess, lenet.Run, Path],
) -> None:
    started, _, path = trained
    values = np.random.default_rng(0).integers(0, 4100, (28, 28)).astype(np.uint16)
    (told,) = predictions(ask(started, "?model=deep&image=true", content=png(values)))
    answer = ask(started, "?model=deep", content=png(values * 16))
    _, _, encoded = told["image"].partition(",")
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        seen = np.array(image)
    assert_same(told, lenet.predict(path, png(values))[0])
    assert np.abs(seen - (values.clip(100, 4000) - 100.0) * (255 / 3900)).max() <= 0.5 + 1e-6
    assert answer.status_code == 400
    assert "taught on values from 100 to 4000" in detail(answer)


@pytest.mark.parametrize("kind", list(REFUSED))
def test_what_is_wrong_is_told(service: ServiceProcess, kind: str) -> None:
    query, request, status, fragment = REFUSED[kind]
    answer = ask(service, query, **request)
    assert answer.status_code == status, answer.text
    assert fragment in detail(answer)


def test_another_method_is_refused(service: ServiceProcess) -> None:
    answer = service.http.get("/v1/predict")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert detail(answer) == "Pictures come by POST, not by GET."


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["pictures", "pixels", "prepared", "base64", "name", "x"]), inner
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=VALUES, wrapped=st.booleans())
def test_no_json_is_an_error_of_ours(
    service: ServiceProcess, values: object, wrapped: bool
) -> None:
    body = json.dumps({"pictures": [values]} if wrapped else values).encode()
    answer = ask(service, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 400, 415, 422), answer.text
    assert answer.status_code == 200 or detail(answer)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=300), kind=st.sampled_from(["form", "picture"]))
def test_no_bytes_are_an_error_of_ours(service: ServiceProcess, body: bytes, kind: str) -> None:
    if kind == "form":
        body = b'--a\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n' + body
    kinds = {"form": "multipart/form-data; boundary=a", "picture": "image/png"}
    answer = ask(service, content=body, headers={"content-type": kinds[kind]})
    assert answer.status_code in (400, 415, 422), answer.text
