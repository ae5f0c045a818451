# SPDX-License-Identifier: MIT
"""The list of paths and the OpenAPI document: kept by clients, and asked for again by their ETag."""

import json

import pytest

from daemon import Daemon

DOCUMENTS = ["/", "/openapi.json"]


@pytest.fixture(name="daemon", scope="module")
def _daemon(module_scratch):
    with Daemon(module_scratch, f"{module_scratch}/none.sock") as daemon:
        yield daemon


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_has_an_etag(daemon, path):
    answer = daemon.get(path)
    assert answer.status == 200
    assert answer["ETag"].startswith('"') and answer["ETag"].endswith('"')
    assert answer["Cache-Control"] == "no-cache"    # it is kept, but changes with the next version
    head = daemon.get(path, method="HEAD")
    assert head.status == 200
    assert head.body == b""
    for name in ("ETag", "Cache-Control", "Vary", "Content-Length", "Content-Type"):
        assert head[name] == answer[name], name


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", DOCUMENTS)
def test_one_that_the_client_has(daemon, path, method):
    etag = daemon.get(path)["ETag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = daemon.get(path, {"If-None-Match": known}, method=method)
        assert answer.status == 304, known
        assert answer.body == b""
        assert answer["ETag"] == etag
        assert answer["Cache-Control"] == "no-cache"
        assert answer["Vary"] == ("Accept" if path == "/" else None)
    for other in ('"x"', etag.strip('"')):
        answer = daemon.get(path, {"If-None-Match": other}, method=method)
        assert answer.status == 200, other


def test_documents_differ(daemon):
    assert len({daemon.get(path)["ETag"] for path in DOCUMENTS}) == len(DOCUMENTS)


def test_the_list_of_paths_depends_on_what_is_accepted(daemon):
    """JSON for everybody but browsers, some day."""
    answer = daemon.get("/")
    assert answer["Vary"] == "Accept"
    assert json.loads(answer.body)["paths"]
    assert daemon.get("/openapi.json")["Vary"] is None
