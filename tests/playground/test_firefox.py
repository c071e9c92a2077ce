"""The page and the core in Firefox, where that is installed: another engine than Chromium's."""

import base64
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fifty_steps import BEGIN, FIFTY_STEPS, check_fifty_steps, inputs_of_fifty_steps
from page_driver import DRAW, strokes_of
from page_functions import modules_in_order


def test_the_page_reads_and_the_core_trains(digits_page: Path, tmp_path: Path) -> None:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no Firefox on this machine: `apt-get install firefox-esr`")
    given = inputs_of_fifty_steps()
    words = {
        "modules": "\n".join(modules_in_order().values()),
        "given": json.dumps({name: base64.b64encode(given[name]).decode() for name in given}),
        # One of the two takes seconds less.
        "steps": BEGIN.replace('["relaxed_simd", "simd"]', '["relaxed_simd"]') + FIFTY_STEPS,
        "draw": DRAW,
        "strokes": json.dumps([strokes_of(digit) for digit in range(10)]),
    }
    page = _PAGE
    for name, text in words.items():
        page = page.replace("{{" + name + "}}", text.replace("</script", r"<\/script"))
    found = _ask(program, {"/": page, "/page": digits_page.read_text("utf-8")}, tmp_path)
    assert found.get("answers") == list("0123456789"), found
    check_fifty_steps(found["steps"])


def _ask(program: str, pages: dict[str, str], home: Path) -> dict[str, Any]:
    """Serve pages to a Firefox; what the first of them sends back."""
    found: queue.Queue[dict[str, Any]] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = pages.get(self.path, "").encode()
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = ["--headless", "--no-remote", "--profile", str(home)]
        process = subprocess.Popen(
            [program, *options, f"http://127.0.0.1:{server.server_port}/"],
            env={**os.environ, "HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return found.get(timeout=90)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            server.shutdown()


# Draws on the page, which lies in a frame, and then trains.
_PAGE = """<!doctype html>
<meta charset="utf-8">
<iframe id="frame" src="/page" width="1280" height="900"></iframe>
<script type="module">
{{modules}}
const drawOn = (document, strokes) => ({{draw}})(["#paper", strokes]);
const frame = document.getElementById("frame");
const pause = () => new Promise((done) => setTimeout(done, 20));
const answersTo = async (drawings) => {
  const page = () => frame.contentDocument;
  while (!page()?.querySelector(".probabilities tbody tr")) await pause();
  const isEmpty = () => page().querySelector(".certainty").innerText === "Nothing to be seen";
  const answers = [];
  for (const strokes of drawings) {
    page().getElementById("clear").click();
    while (!isEmpty()) await pause();
    drawOn(page(), strokes);
    while (isEmpty()) await pause();
    answers.push(page().querySelector(".answer").innerText);
  }
  return answers;
};
const found = await (async () => {
  const given = {{given}};
  const inputs = Object.fromEntries(
    Object.entries(given).map(([name, text]) =>
      [name, Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]),
  );
  const steps = await (async () => { {{steps}} })();
  return { steps, answers: await answersTo({{strokes}}) };
})().catch((error) => ({ error: `${error}` }));
await fetch("/", { method: "POST", body: JSON.stringify(found) });
</script>
"""
