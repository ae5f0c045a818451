# SPDX-License-Identifier: MIT
"""The daemon's own description of its interface, and whether an HTTP answer is as it says.

http_client has every answer that the daemon gives to a test checked here, so that neither can change
without the other."""

import functools
import json
import os
import re

import jsonschema

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))),
                      "daemon/http/openapi.json")

METHODS = ("get", "post")

# Where a proxy passes on a visitor's request: any method and every path below it are as GET of this.
PROXIED = "/forward-auth"

# Of HTTP itself, and the same in every answer there is.
NOT_DESCRIBED = {"connection", "content-length", "content-type", "date", "transfer-encoding",
                 "x-content-type-options"}

_NAMES = "[A-Za-z0-9-]+(, [A-Za-z0-9-]+)*"


def _fields(**patterns):
    """Header fields as the document describes them, none of which must be there."""
    return {name.replace("_", "-"): {"schema": {"type": "string", "pattern": f"^({pattern})$"}}
            for name, pattern in patterns.items()}


# What the document says in words, since generators make something useless of a formal description:
# that any answer may have these fields, and what there is for other methods and paths.
ANYWHERE = _fields(vary="(Accept, )?(Origin, )?Authorization|Accept|(Accept, )?Origin", access_control_allow_origin=r"\S+",
                   access_control_expose_headers=_NAMES, x_content_type_options="nosniff")


def _problem(status, code, title, headers=None):
    value = {"type": f"urn:p0f-lookupd:{code}", "title": title, "status": status}
    return {"headers": {"Cache-Control": {"$ref": "#/components/headers/NoStore"}, **(headers or {})},
            "content": {"application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"value": value}}}}}


ALLOW = {"allow": {"required": True, "schema": {"pattern": f"^{_NAMES}$"}}}
NOT_FOUND = _problem(404, "not-found", "No such path")
NOT_ALLOWED = _problem(405, "method-not-allowed", "Method not allowed", ALLOW)
PREFLIGHT = _fields(access_control_allow_methods=_NAMES, access_control_allow_headers=_NAMES,
                    access_control_allow_private_network="true", access_control_max_age="[0-9]+")
OPTIONS = {"headers": {**ALLOW, **PREFLIGHT}}


class Drift(AssertionError):
    """An answer is not as the document says."""


def _decoded(encoded):
    """A percent-encoded character, if it need not be encoded (RFC 3986, 6.2.2.2)."""
    character = chr(int(encoded[1], 16))
    return character if re.fullmatch(r"[A-Za-z0-9._~-]", character) else encoded[0]


def _target_path(target):
    """The path of a request target in any form (RFC 9112, 3.2)."""
    path = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?]*", "", target).partition("?")[0]
    path = re.sub("%([0-9A-Fa-f]{2})", _decoded, path)
    if path.startswith(PROXIED + "/"):
        return PROXIED
    return "/" if path in ("", "*") else path     # "*" has the OPTIONS of every path


def _unique_members(pairs):
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Drift(f"a member stands there twice: {[name for name, _ in pairs]}")
    return members


def _no_constant(name):
    raise Drift(f"{name} is not JSON")


def _load(text):
    return json.loads(text, object_pairs_hook=_unique_members, parse_constant=_no_constant)


def _explained(error):
    """Of several alternatives, what is wrong with the one that is least wrong."""
    while error.validator in ("oneOf", "anyOf") and error.context:
        alternatives = {}
        for part in error.context:
            alternatives.setdefault(part.schema_path[0], []).append(part)
        error = min(alternatives.values(), key=len)[0]
    return f"{error.json_path}: {error.message}"


class Document:
    """One OpenAPI document; see also http://spec.openapis.org/oas/v3.1.0"""

    def __init__(self, members):
        self.members = members
        self._validators = {}
        self._seen = set()
        # A {parameter} may hold anything, as the daemon says itself what is no address.
        self._paths = [(re.compile(re.sub(r"\\\{.*?\\\}", ".*", re.escape(path))), item)
                       for path, item in sorted(members["paths"].items())]

    # -- looking things up --------------------------------------------------------------------

    def resolve(self, thing):
        """What a {"$ref": …} stands for; anything else as it is."""
        while "$ref" in thing:
            thing = functools.reduce(lambda at, name: at[name], thing["$ref"].split("/")[1:],
                                     self.members)
        return thing

    def path_item(self, target):
        """None for a path that the document does not have."""
        path = _target_path(target)
        return next((item for pattern, item in self._paths if pattern.fullmatch(path)), None)

    def operations(self):
        """(path, method, operation) of all of them."""
        return [(path, method, item[method]) for path, item in self.members["paths"].items()
                for method in METHODS if method in item]

    def responses(self, method, target):
        """Those that a request may get, by status."""
        item = self.path_item(target)
        if _target_path(target) == PROXIED:
            responses = item["get"]["responses"]
            if method != "OPTIONS":
                return responses
            visitor = self.resolve(responses["200"])
            return {**responses, "200": {**visitor, "headers": {**visitor["headers"], **PREFLIGHT}}}
        operations = item or self.members["paths"]["/"]
        main = (operations.get("get") or operations["post"])["responses"]
        errors = {status: response for status, response in main.items() if status[0] not in "23"}
        if target == "*":       # the server as a whole
            return {**errors, "204": OPTIONS, "404": NOT_FOUND, "405": NOT_ALLOWED}
        if item and {"GET": "get", "HEAD": "get", "POST": "post"}.get(method) in item:
            return main
        if method == "OPTIONS" and item:
            return {**errors, "204": OPTIONS}
        return {**errors, "405": NOT_ALLOWED} if item else {**errors, "404": NOT_FOUND}

    def _candidates(self, method, target, status):
        """The responses that an answer of this status may be; without a target, of any request."""
        every = [self.responses(method, target)] if target is not None else \
                [*(operation["responses"] for _, _, operation in self.operations()),
                 {"204": OPTIONS, "404": NOT_FOUND, "405": NOT_ALLOWED}]
        for responses in every:
            key = str(status) if str(status) in responses or status < 400 else "default"
            if key in responses:
                yield self.resolve(responses[key])

    # -- checking -----------------------------------------------------------------------------

    def check(self, method, target, answer):
        """Raises Drift unless the document describes such an answer (with status, headers, body)
        to such a request; `target` is None where it is not known."""
        fields = sorted((name, value) for name, value in answer.headers.items() if name != "Date")
        key = hash((method, target, answer.status, tuple(fields), answer.body))
        if key in self._seen:
            return              # as many a test asks the same a thousand times
        drift = Drift("there is no such status in the document")
        for response in self._candidates(method, target, answer.status):
            try:
                self._check_headers(response, answer)
                self._check_body(response, method, answer)
            except Drift as found:
                drift = found
            else:
                self._seen.add(key)
                return
        raise Drift(f"{method} {target and target[:200]}: {drift}\n{answer.status} "
                    f"{dict(answer.headers)} {answer.body[:2000]!r}")

    def _check_headers(self, response, answer):
        described = {**ANYWHERE, **{name.lower(): self.resolve(header)
                                    for name, header in response.get("headers", {}).items()}}
        for name in {name.lower() for name in answer.headers} - NOT_DESCRIBED:
            if name not in described:
                raise Drift(f"the header field {name} is not in the document")
            values = answer.headers.get_all(name)
            if len(values) > 1:
                raise Drift(f"{name} is there {len(values)} times")
            self.check_text(values[0], described[name]["schema"], name)
        for name, header in described.items():
            if header.get("required") and name not in answer.headers:
                raise Drift(f"the header field {name} is missing")

    def _check_body(self, response, method, answer):
        content = response.get("content", {})
        if method == "HEAD" or not content:
            if answer.body:
                raise Drift("there is a body")
            return
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind not in content:
            raise Drift(f"there is no content of type {kind!r} in the document")
        text = answer.body.decode("utf-8")
        if kind == "application/x-ndjson":      # the elements of the array that it would be
            self.check_value([_load(line) for line in text.split("\n")[:-1]],
                             content["application/json"]["schema"], "the body")
        elif kind.endswith("json"):
            self.check_value(_load(text), content[kind]["schema"], "the body")
            if kind == "application/problem+json":
                self._check_problem(_load(text), content[kind], answer.status)
        else:
            self.check_value(text, content[kind]["schema"], "the body")

    def _check_problem(self, problem, content, status):
        """It is one of those that are shown as examples."""
        if problem["status"] != status:
            raise Drift(f"a problem of status {problem['status']}")
        shown = [example["value"] for example in content["examples"].values()]
        if not any(all(example[name] == problem[name] for name in ("type", "status", "title"))
                   for example in shown):
            raise Drift(f"there is no example of {problem['type']} ({problem['title']})")
        if problem["type"].endswith(":no-match") and "ip" not in problem:
            raise Drift("the host is missing")

    def check_text(self, text, schema, what):
        """A value that is not JSON: of a header field or a parameter."""
        number = self.resolve(schema).get("type") == "integer" and \
            re.fullmatch(r"0|-?[1-9][0-9]*", text)
        self.check_value(int(text) if number else text, schema, what)

    def check_value(self, value, schema, what):
        """A JSON value."""
        errors = list(self._validator(schema).iter_errors(value))
        if errors:
            raise Drift(f"{what} is not as the document says: {_explained(errors[0])}")
        self._check_order(value, schema, what)

    def _validator(self, schema):
        if id(schema) not in self._validators:
            # References are looked up in the schema itself, so it is given what they point to:
            # resolvers differ between versions of jsonschema.
            self._validators[id(schema)] = jsonschema.Draft202012Validator(
                {**schema, "components": self.members["components"]},
                format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
        return self._validators[id(schema)]

    def _properties(self, schema):
        """All that it names, in its order."""
        schema = self.resolve(schema)
        properties = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            properties = {**properties, **self._properties(part)}
        return properties

    def _alternative(self, value, schema):
        """The one of several schemas that the value is of."""
        schema = self.resolve(schema)
        for one in schema.get("oneOf", []):
            if self._validator(one).is_valid(value):
                return self._alternative(value, one)
        return schema

    def _check_order(self, value, schema, what):
        """JSON does not care, but people do: members come in the order of the document."""
        schema = self._alternative(value, schema)
        if isinstance(value, list):
            for element in value:
                self._check_order(element, schema.get("items", {}), what)
        elif isinstance(value, dict):
            properties = self._properties(schema)
            named = [name for name in value if name in properties]
            if named != [name for name in properties if name in value]:
                raise Drift(f"the members of {what} are in another order: {named}")
            for name in named:
                self._check_order(value[name], properties[name], f"{what}.{name}")


@functools.lru_cache(maxsize=None)
def own():
    """The document of this tree. Its version is filled in when it is built."""
    with open(SOURCE, encoding="utf-8") as source:
        return Document(json.load(source, object_pairs_hook=_unique_members))


def check(method, target, answer):
    """Raises Drift if this is an answer of the daemon and our document does not describe it."""
    if answer.headers["Server"] is not None:
        return      # another server's: the daemon does not say what it is
    if answer.headers.get_all("X-Content-Type-Options") != ["nosniff"]:
        raise Drift(f"{method} {target}: no X-Content-Type-Options: {dict(answer.headers)}")
    own().check(method, target, answer)
