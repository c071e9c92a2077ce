"""JavaScript from Python: in Node.js, else in a browser, whichever is there."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lenet.core import doing_first_on_signals
from lenet.errors import ExportError

_NODE = ("node", "nodejs")
_BROWSERS = (
    "chromium-headless-shell",  # starts in a third of the time
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "brave-browser",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_MOST_TOLD = 200  # letters of what an engine says
_BROWSER_OPTIONS = (
    "--headless",
    "--dump-dom",
    "--disable-gpu",
    "--disable-extensions",
    "--no-first-run",
)


@dataclass(frozen=True)
class JavaScriptEngine:
    """A program that runs JavaScript.

    Attributes:
        executable: Its path.
        is_browser: Whether it is a browser of the Chromium family; else it is Node.js.
    """

    executable: Path
    is_browser: bool

    @property
    def name(self) -> str:
        """What to call it, such as `node`."""
        return self.executable.stem.lower()

    def run(self, script: str, inputs: Mapping[str, bytes], *, seconds: float = 300.0) -> bytes:
        """Run a script and take what it returns.

        Args:
            script: The body of an async function. It has `inputs`, a `Uint8Array` for each name,
                and returns a `Uint8Array`.
            inputs: What it is given.
            seconds: The time that it may take; it is killed then.

        Raises:
            ExportError: The script throws, takes too long or returns something else, or the engine
                can't be started.
        """
        texts = {name: base64.b64encode(content).decode() for name, content in inputs.items()}
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            doing_first_on_signals(lambda: shutil.rmtree(folder, ignore_errors=True)),
        ):
            if self.is_browser:
                said = self._run_page(Path(folder), script, texts, seconds)
            else:
                said = self._run_module(Path(folder), script, texts, seconds)
        _, found, rest = said.partition(_BEGIN)
        outcome, complete, _ = rest.partition(_END)
        if not found or not complete:
            told = re.sub("<[^>]*>", "", said).strip()[:_MOST_TOLD] or "it says nothing"
            message = f"The script failed in {self.name}: {told}"
            raise ExportError(message)
        kind, _, content = outcome.partition(" ")
        result = base64.b64decode(content)
        if kind == "error":
            message = f"The script failed in {self.name}: {result.decode()}"
            raise ExportError(message)
        return result

    def _run_module(
        self, folder: Path, script: str, texts: Mapping[str, str], seconds: float
    ) -> str:
        """What Node.js prints; the inputs come on its standard input."""
        module = folder / "script.mjs"
        module.write_text(_MODULE.replace("{{run}}", _RUN % script), encoding="utf-8")
        return self._communicate([str(module)], json.dumps(texts), seconds)

    def _run_page(self, folder: Path, script: str, texts: Mapping[str, str], seconds: float) -> str:
        """The page of a browser once it is loaded; the inputs are in it."""
        page = folder / "script.html"
        run = (_RUN % script).replace("</script", r"<\/script")
        filled = _PAGE.replace("{{texts}}", json.dumps(texts)).replace("{{run}}", run)
        page.write_text(filled, encoding="utf-8")
        options = [*_BROWSER_OPTIONS, f"--user-data-dir={folder / 'profile'}"]
        if sys.platform == "linux" and os.geteuid() == 0:
            options.append("--no-sandbox")  # a browser's sandbox does not work for root
        return self._communicate([*options, page.as_uri()], "", seconds)

    def _communicate(self, arguments: list[str], text: str, seconds: float) -> str:
        """What the engine prints; it and all that it started are killed if that takes too long.

        So they are on Ctrl-C and SIGTERM, which do not reach them by themselves.
        """
        is_posix = os.name == "posix"
        process: subprocess.Popen[str] | None = None

        def kill() -> None:
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL) if is_posix else process.kill()

        with doing_first_on_signals(kill):
            try:
                process = subprocess.Popen(
                    [str(self.executable), *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=is_posix,
                )
            except OSError as error:
                message = f"`{self.executable}` can't be started: {error.strerror or error}."
                raise ExportError(message) from error
            try:
                said, complaints = process.communicate(text, seconds)
            except subprocess.TimeoutExpired as error:
                message = f"The script took more than {seconds:g} seconds in {self.name}."
                raise ExportError(message) from error
            finally:
                if process.poll() is None:
                    kill()
                    process.communicate()
        if process.returncode and _END not in said:
            lines = complaints.strip().splitlines() or ["it says nothing"]
            told = next((line for line in lines if "Error" in line), lines[-1])
            message = f"The script failed in {self.name}: {told}"
            raise ExportError(message)
        return said


def find_javascript_engine(*, browser: bool | None = None) -> JavaScriptEngine:
    """Node.js if it is there, else a browser of the Chromium family.

    Args:
        browser: Whether it has to be a browser, or may not be one.

    Raises:
        ExportError: There is neither.
    """
    kinds = [(False, _NODE), (True, _BROWSERS)]
    for is_browser, names in kinds:
        if browser is not None and is_browser != browser:
            continue
        for name in names:
            if executable := shutil.which(name):
                return JavaScriptEngine(Path(executable), is_browser)
    message = (
        "Running the page's script needs Node.js (https://nodejs.org, `apt-get install nodejs`) or "
        "a Chromium browser (`apt-get install chromium`); neither was found."
    )
    raise ExportError(message)


_BEGIN, _END = "[[lenet ", " lenet]]"  # round what a script returns, in all that is printed

# Sets `outcome`, whatever the script does.
_RUN = """
const toBase64 = (bytes) => {
  const letters = [];
  for (let start = 0; start < bytes.length; start += 32768) {
    letters.push(String.fromCharCode(...bytes.subarray(start, start + 32768)));
  }
  return btoa(letters.join(""));
};
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const inputs = Object.fromEntries(
  Object.entries(texts).map(([name, text]) => [name, fromBase64(text)]),
);
const outcome = await (async () => {
%s
})().then(
  (bytes) => `bytes ${toBase64(bytes)}`,
  (error) => `error ${toBase64(new TextEncoder().encode(String(error)))}`,
);
"""

_MODULE = """
import { readFileSync } from "node:fs";
const texts = JSON.parse(readFileSync(0, "utf-8"));
{{run}}
process.stdout.write(`[[lenet ${outcome} lenet]]`);
"""

# A browser prints a page once all in it is loaded; a frame that is being written keeps it waiting.
_PAGE = """<!doctype html>
<meta charset="utf-8">
<script type="application/json" id="texts">{{texts}}</script>
<iframe id="waiting"></iframe>
<script>
document.getElementById("waiting").contentDocument.open();
const finish = (text) => document.documentElement.replaceChildren(text);
onerror = (message) => finish(message);
</script>
<script type="module">
const texts = JSON.parse(document.getElementById("texts").textContent);
{{run}}
finish(`[[lenet ${outcome} lenet]]`);
</script>
"""
