"""The lab's page as Python makes it: what it holds, and the server and the command that give it."""

import base64
import http.client
import io
import json
import re
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet
from calling import call
from lenet.datasets import Dataset, Split
from lenet.errors import SettingError
from lenet.playground import LabSet, build_lab, serve_lab, tenth_of


def held(page: str) -> dict[str, object]:
    """What the page's script reads out of it."""
    found = re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, object] = json.loads(found[1])
    return data


def unpacked(letters: str) -> bytes:
    return base64.b85decode(letters.translate(str.maketrans(",./", "<>&")))


def pixels_in(picture: str, count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Images out of their packed picture."""
    channels, height, width = shape
    sheet = np.asarray(Image.open(io.BytesIO(unpacked(picture))).convert("L"))
    rows, columns = sheet.shape[0] // height, sheet.shape[1] // (channels * width)
    parted = sheet.reshape(rows, height, columns, channels, width).transpose(0, 2, 3, 1, 4)
    return parted.reshape(-1, *shape)[:count]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_page_holds_every_image_to_the_bit(channels: int) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (230, channels, 9, 7), dtype=np.uint8)
    labels = np.arange(230) % 3
    split = Split(images[:210], labels[:210]), Split(images[210:], labels[210:])
    dataset = Dataset("mine", ("a", "</script>", "乙"), split[0], test=split[1])
    page = build_lab([LabSet(dataset, "photos")])
    assert page.count("</script>") == 2
    (one,) = held(page)["sets"]  # type: ignore[misc, attr-defined]
    assert one["class_names"] == list(dataset.class_names)
    for part, wanted in (("train", split[0]), ("test", split[1])):
        assert list(unpacked(one[part]["labels"])) == wanted.labels.tolist()
        given = pixels_in(one[part]["picture"], len(wanted), dataset.image_shape)
        assert np.array_equal(given, wanted.images)


def test_the_page_fetches_nothing(digits: Dataset) -> None:
    page = build_lab([LabSet(digits, "digits")])
    assert "connect-src 'none'" in page
    assert "default-src 'none'" in page
    assert len(page) < 2e6


def test_what_no_page_can_hold_is_refused(digits: Dataset) -> None:
    with pytest.raises(SettingError, match="at least one dataset"):
        build_lab([])
    names = tuple(str(number) for number in range(257))
    with pytest.raises(SettingError, match="more than 256 classes"):
        build_lab([LabSet(replace(digits, class_names=names), "many")])
    with pytest.raises(lenet.LenetError, match="test"):
        build_lab([LabSet(replace(digits, test=None), "digits")])


def test_a_tenth_is_every_tenth_image(digits: Dataset) -> None:
    tenth = tenth_of(digits)
    assert np.array_equal(tenth.train.images, digits.train.images[::10])
    assert np.array_equal(tenth.require_test().labels, digits.require_test().labels[::10])


def test_the_server_gives_the_page_and_the_images_to_this_machine_alone(digits: Dataset) -> None:
    started: list[str] = []
    ready = threading.Event()

    def tell(address: str) -> None:
        started.append(address)
        ready.set()

    sets = [LabSet(digits, "digits")]
    threading.Thread(
        target=serve_lab, args=(sets,), kwargs={"port": 0, "on_start": tell}, daemon=True
    ).start()
    assert ready.wait(20)
    port = int(re.search(r":(\d+)/", started[0])[1])  # type: ignore[index]

    def ask(path: str, host: str = f"localhost:{port}", method: str = "GET") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    status, page = ask("/")
    assert status == 200
    (one,) = held(page.decode())["sets"]  # type: ignore[misc, attr-defined]
    for part in ("train", "test"):
        status, pixels = ask(f"/{one[part]['url']}")
        assert status == 200
        assert pixels == digits.splits[part].images.tobytes()
    assert ask("/", "evil.example")[0] == 403
    assert ask("/", "")[0] == 403
    assert ask("/../etc/passwd")[0] == ask("/sets/1/train")[0] == 404
    assert ask("/", method="POST")[0] == 501
    with pytest.raises(SettingError, match="can't be listened on"):
        serve_lab(sets, port=port)


def test_the_command_writes_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENET_DATA", "nowhere")
    told = call("lab", "--output", "lab.html").stdout
    assert told.startswith("Written to lab.html, ")
    (one,) = held(Path("lab.html").read_text(encoding="utf-8"))["sets"]  # type: ignore[misc, attr-defined]
    assert one["name"] == one["source"] == "digits"
    assert "`lab.png`" in call("lab", "--output", "lab.png", code=2).stderr
