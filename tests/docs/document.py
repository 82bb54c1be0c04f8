"""The OpenAPI document as a test uses it: operations with their examples, and checks of answers against their schemas."""
import datetime
import re
import urllib.parse

from jsonschema import Draft202012Validator, FormatChecker

METHODS = ("get", "put", "post", "delete", "patch")
FORMATS = FormatChecker(formats=("uuid", "date"))


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value):
    """Ours end in Z and have milliseconds; those of callers need not."""
    if not isinstance(value, str):
        return True
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value):
        return False
    datetime.datetime.fromisoformat(value[:19])
    return True


class Document:
    def __init__(self, text):
        self.text = text
        self.operations = {}
        for path, item in text["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = Operation(self, method.upper(), path, item, item[method])
                    self.operations[operation.id] = operation

    def resolved(self, value):
        """Without references: whatever they lead to stands in their place."""
        if isinstance(value, list):
            return [self.resolved(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            target = self.text
            for step in value["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            return {**self.resolved(target), **{name: self.resolved(one) for name, one in value.items() if name != "$ref"}}
        return {name: self.resolved(one) for name, one in value.items()}

    def schemas(self):
        return self.text["components"]["schemas"]


class Operation:
    def __init__(self, document, method, path, item, text):
        self.document = document
        self.id = text["operationId"]
        self.method = method
        self.path = path
        self.is_open = text.get("security") == []
        self.parameters = document.resolved(item.get("parameters", []) + text.get("parameters", []))
        self.responses = document.resolved(text["responses"])
        self.body = document.resolved(text.get("requestBody"))

    def json_body(self):
        """(schema, example) of the JSON body, or None for an operation without one."""
        content = (self.body or {}).get("content", {}).get("application/json")
        return content and (content["schema"], content.get("example"))

    def target(self, values):
        """Path and query from `values`, else from the parameters' examples."""
        path = self.path
        query = {}
        for parameter in self.parameters:
            value = values.get(parameter["name"], parameter.get("example"))
            if parameter["in"] == "path":
                if value is None:
                    raise AssertionError(f"{self.id}: nothing to put for {{{parameter['name']}}}")
                path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(str(value), safe=""))
            elif parameter["in"] == "query" and value is not None:
                query[parameter["name"]] = value
        return path + ("?" + urllib.parse.urlencode(query) if query else "")

    def faults_of(self, answer):
        """What is wrong with an answer, by its status, media type and schema."""
        response = self.responses.get(str(answer.status))
        if response is None and answer.status >= 400:
            response = self.responses.get("default")
        if response is None:
            return [f"{answer.status} is not in the document: {answer}"]
        faults = [f"no header {name}" for name in response.get("headers", {}) if name.lower() not in answer.headers]
        content = response.get("content", {})
        if not content:
            return faults + ([f"a body where none is: {answer}"] if answer.body else [])
        if answer.media_type not in content:
            return faults + [f"{answer.media_type} is not one of {list(content)}: {answer}"]
        if answer.media_type.endswith("json"):
            faults += faults_in(answer.json(), content[answer.media_type]["schema"])
        return faults


def closed(schema, in_all_of=False):
    """The same, with members refused that are not in it: answers have no others, though clients must not rely on that."""
    if not isinstance(schema, dict):
        return schema
    copy = {}
    for name, value in schema.items():
        if name == "allOf":
            copy[name] = [closed(one, True) for one in value]
        elif name in ("oneOf", "anyOf"):
            copy[name] = [closed(one) for one in value]
        elif name == "properties":
            copy[name] = {member: closed(one) for member, one in value.items()}
        elif name in ("items", "additionalProperties"):
            copy[name] = closed(value)
        else:
            copy[name] = value
    if not in_all_of and ("properties" in schema or "allOf" in schema) and "additionalProperties" not in schema:
        copy["unevaluatedProperties"] = False
    return copy


def faults_in(value, schema, is_answer=True):
    checker = Draft202012Validator(closed(schema) if is_answer else schema, format_checker=FORMATS)
    return [f"at /{'/'.join(str(step) for step in fault.absolute_path)}: {fault.message[:600]}"
            for fault in checker.iter_errors(value)]
