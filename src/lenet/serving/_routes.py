"""All routes but the answer to pictures, and the description of both."""

import html
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from lenet._version import __version__
from lenet.errors import UnknownNameError
from lenet.serving._messages import error_body
from lenet.serving._metrics import CONTENT_TYPE
from lenet.serving._models import ServedModel
from lenet.serving._pages import PlaygroundPage, ReferencePage
from lenet.serving._pool import WorkerPool
from lenet.serving._predict_route import PATH
from lenet.serving._schema import (
    ANSWER_EXAMPLE,
    Health,
    Model,
    Models,
    Parameters,
    Pictures,
    Predictions,
    Problem,
    picture_examples,
)
from lenet.serving._settings import ServiceSettings

_SUMMARY = "Says what pictures show, with networks that lenet trained."
_KEY_FORMS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "password": {"type": "http", "scheme": "basic"},
}
_PROBLEMS = {  # of all requests
    400: "It is no HTTP, or does not say once whom it is for.",
    401: "The key is missing or another one.",
    403: "A web page of another origin asks.",
    408: "The request came too slowly.",
    421: "The service is called by a name that is not its own.",
    431: "The request's headers or trailers are too large.",
    503: "It has too many connections, or stops; `Retry-After` says when to try again.",
}
_PREDICT_PROBLEMS = {
    400: "A picture is damaged or takes too long, or the body or the request is not what it says.",
    404: "There is no such model.",
    413: "The request or a picture is too large, or has too many pictures or symbols.",
    415: "The pictures are of a format that is not read.",
    422: "A parameter or field is unknown, missing or ill-typed.",
    503: "The service is busy or stops; `Retry-After` says when to try again.",
}


class Shown(NamedTuple):
    """What answers now."""

    models: Sequence[ServedModel]
    pool: WorkerPool
    page: PlaygroundPage  # at the root


def build_routes(
    settings: ServiceSettings,
    shown: Callable[[], Shown],
    metrics_text: Callable[[], bytes],
    is_draining: Callable[[], bool],
    address: str,
) -> FastAPI:
    """The routes of a service that this machine finds at `address`.

    They are built once, as FastAPI keeps all that it ever built.
    """
    app = FastAPI(
        title="lenet",
        version=__version__,
        summary=_SUMMARY,
        openapi_url=None,
        redirect_slashes=False,
        responses=_problems(_PROBLEMS),
    )

    def find(name: str) -> ServedModel:
        by_name = {model.name: model for model in shown().models}
        if name not in by_name:
            raise HTTPException(404, str(UnknownNameError("model", name, by_name)))
        return by_name[name]

    ModelName = Annotated[str, Path(description="The model's name.")]
    no_model = _problems({404: "There is no such model."})

    @app.exception_handler(HTTPException)
    async def tell(request: Request, error: HTTPException) -> Response:
        detail = str(error.detail)
        if error.status_code == 404 and detail == "Not Found":
            detail = f"There is no `{request.url.path}` here; `/docs` says what there is."
        elif error.status_code == 405:
            detail = f"`{request.url.path}` does not take {request.method}."
        return Response(
            error_body(detail), error.status_code, error.headers, media_type="application/json"
        )

    @app.post(
        PATH,
        summary="Say what pictures show",
        tags=["predict"],
        response_model=Predictions,
        responses=_problems(_PREDICT_PROBLEMS),
        openapi_extra={"requestBody": _predict_body(settings)},
    )
    async def predict(parameters: Annotated[Parameters, Query()]) -> Response:
        """A picture as the body, or several as a form or JSON.

        A picture is brought into the form that the network was taught on, as its model file says.
        """
        raise NotImplementedError  # `PredictRoute` answers before; this is its description

    @app.get("/v1/models", summary="The models", tags=["models"])
    async def list_models() -> Models:
        """The models that are served; the first answers where a request names none."""
        return Models(models=[_told(model) for model in shown().models])

    @app.get("/v1/models/{name}", summary="One model", tags=["models"], responses=no_model)
    async def show_model(name: ModelName) -> Model:
        """What a model's file says about it."""
        return _told(find(name))

    @app.get(
        "/v1/models/{name}/file",
        summary="A model's file",
        tags=["models"],
        response_class=Response,
        responses={
            200: {"content": {"application/octet-stream": {}}, "description": "safetensors"},
            304: {"description": "The file is the one that the client has."},
            **no_model,
        },
    )
    async def give_file(name: ModelName, request: Request) -> Response:
        """The file as `lenet train` wrote it, for `lenet predict` or a program of one's own."""
        model = find(name)
        headers = {"etag": model.etag, "cache-control": "no-cache"}
        known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
        if model.etag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(model.content, headers=headers, media_type="application/octet-stream")

    @app.get(
        "/healthz",
        summary="Whether the service takes requests",
        tags=["operation"],
        response_model=Health,
        responses={503: {"model": Health, "description": "It stops, or has no workers."}},
    )
    async def tell_health() -> Response:
        """For probes of containers and proxies; it needs no key."""
        if shown().pool.places and not is_draining():
            return JSONResponse({"status": "ok"})
        status = "draining" if is_draining() else "no workers"
        return JSONResponse({"status": status}, 503, {"retry-after": "1"})

    @app.get(
        "/metrics",
        summary="Figures for Prometheus",
        tags=["operation"],
        response_class=Response,  # a class with a type would give it to what is refused, too
        responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text"}},
    )
    async def tell_metrics() -> Response:
        """Requests, times, batches, answers, queue, memory."""
        return Response(metrics_text(), headers={"content-type": CONTENT_TYPE})

    @app.get("/", include_in_schema=False)
    async def show_page() -> Response:
        text = await shown().page.text()
        return HTMLResponse(text, headers=_page_headers(text))

    @lru_cache(maxsize=1)
    def described(first_model: str) -> tuple[dict[str, Any], str]:
        """All routes, for programs and for people."""
        description = _completed(deepcopy(plain), settings, first_model)
        return description, ReferencePage(description, address, first_model).to_html()

    @app.get("/docs", include_in_schema=False)
    async def show_reference() -> Response:
        _, reference = described(shown().models[0].name)
        return HTMLResponse(reference, headers=_page_headers(reference))

    @app.get("/openapi.json", include_in_schema=False)
    async def show_description() -> Response:
        return JSONResponse(described(shown().models[0].name)[0])

    plain = app.openapi()
    return app


def _problems(descriptions: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    """What FastAPI takes for answers that say what is wrong."""
    return {
        status: {"model": Problem, "description": description}
        for status, description in descriptions.items()
    }


def _completed(
    description: dict[str, Any], settings: ServiceSettings, first_model: str
) -> dict[str, Any]:
    """Add to a description what FastAPI leaves out or does not know."""
    operation = description["paths"][PATH]["post"]
    for operations in description["paths"].values():
        for described in operations.values():
            if described["responses"]["200"]["description"] == "Successful Response":
                described["responses"]["200"]["description"] = "It went well."
            if not settings.asks_for_key:
                del described["responses"]["401"]
            if not settings.is_loopback:
                del described["responses"]["421"]
            described["responses"] = dict(sorted(described["responses"].items()))
            for parameter in described.get("parameters", ()):
                if parameter["name"] == "name":
                    parameter["schema"]["examples"] = [first_model]
    operation["responses"]["200"]["content"]["application/json"]["example"] = ANSWER_EXAMPLE
    for parameter in operation["parameters"]:
        if parameter["name"] == "model":
            parameter["schema"]["default"] = first_model
    body = operation["requestBody"]["content"]["application/json"]
    schema = Pictures.model_json_schema(ref_template="#/components/schemas/{model}")
    description["components"]["schemas"] |= {**schema.pop("$defs"), "Pictures": schema}
    body["schema"] = {"$ref": "#/components/schemas/Pictures"}
    if settings.asks_for_key:
        description["components"]["securitySchemes"] = _KEY_FORMS
        description["security"] = [{form: []} for form in _KEY_FORMS]
        health = description["paths"]["/healthz"]["get"]
        health["security"] = []
        del health["responses"]["401"]
    return description


def _told(model: ServedModel) -> Model:
    facts = {
        **asdict(model.card),
        "name": model.name,
        "network": model.card.model,
        "parameters": model.parameters,
        "bytes": len(model.content),
        "file": model.address,
    }
    return Model(**facts)


def _predict_body(settings: ServiceSettings) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    return {
        "required": True,
        "description": f"One picture as it is, or up to {settings.max_images} as a form or JSON; "
        f"PNG, JPEG, BMP, GIF, WebP, TIFF, PPM or AVIF, up to {settings.max_pixels:,} pixels each "
        f"and {settings.max_body:,} bytes in all.",
        "content": {
            "image/*": binary,
            "application/octet-stream": binary,
            "multipart/form-data": {"schema": {"type": "object", "properties": {"picture": files}}},
            "application/json": {"examples": picture_examples()},
        },
    }


def _page_headers(page: str) -> dict[str, str]:
    """The policy that a page has for itself, as a header, where more can be said."""
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    policy = html.unescape(found[1]) if found else "default-src 'none'"
    return {
        "content-security-policy": f"{policy}; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
    }
