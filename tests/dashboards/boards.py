"""The boards as files: what Grafana needs of them, and what they name."""
import glob
import json
import os
import re

from processes import REPOSITORY

FOLDER = os.path.join(REPOSITORY, "dashboards", "grafana")
KINDS = {"stat", "timeseries", "table", "heatmap"}
UNITS = {"short", "s", "ops", "reqps", "percentunit", "bytes"}
# What Grafana puts in the place of variables; each board's own ones match everything.
RATE_INTERVAL = "15s"


def load():
    boards = {}
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.json"))):
        with open(path, encoding="utf-8") as file:
            boards[os.path.basename(path)] = json.load(file)
    return boards


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def variables(board):
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def interpolated(expression):
    """A query as Grafana sends it, with everything chosen."""
    text = expression.replace("$__rate_interval", RATE_INTERVAL)
    return re.sub(r"\$(job|node|queue|provider)\b", ".*", text)


def queries(board):
    """(panel's title, panel, target, query) of each query, those of annotations too."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield panel["title"], panel, target, interpolated(target["expr"])


def runbook_links(board):
    for panel in panels(board):
        for link in panel.get("links", []):
            yield panel["title"], link["url"]


def faults_of(name, board):
    """What would keep the board from being imported or understood."""
    faults = []

    def check(holds, sentence):
        if not holds:
            faults.append(f"{name}: {sentence}")

    check(board.get("schemaVersion", 0) >= 36, "has no schemaVersion of a Grafana of today")
    check(board.get("id", 0) is None, "has the id of somebody's Grafana")
    check(board.get("uid") == "orchestrator-" + name.removesuffix(".json"), "its uid is not that of its file")
    check(len(board.get("uid", "")) <= 40, "its uid is longer than Grafana takes")
    check(isinstance(board.get("title"), str) and board["title"] != "", "has no title")
    check("__inputs" not in board and "__requires" not in board, "asks questions when it is imported")
    check({"from", "to"} <= set(board.get("time", {})), "has no span of time")
    check("orchestrator" in board.get("tags", []), "has no tag, so that the others do not link to it")
    known = variables(board)
    check(known.get("datasource", {}).get("type") == "datasource", "has no variable for the data source")
    identities = [panel["id"] for panel in board["panels"]]
    check(len(identities) == len(set(identities)), "two panels have one id")
    for panel in panels(board):
        title = panel["title"]
        check(panel["type"] in KINDS, f"{title}: {panel['type']} is not among the kinds of panel that are looked at")
        check(len(panel.get("description", "")) > 10, f"{title}: does not say what it shows")
        defaults = panel["fieldConfig"]["defaults"]
        check(defaults.get("unit") in UNITS, f"{title}: has no unit")
        check(defaults["thresholds"]["steps"], f"{title}: has no thresholds")
        place = panel["gridPos"]
        check(place["x"] + place["w"] <= 24, f"{title}: does not fit into its row")
        check(place["w"] > 0 and place["h"] > 0, f"{title}: has no size")
        letters = [target["refId"] for target in panel["targets"]]
        check(len(letters) == len(set(letters)), f"{title}: two queries have one refId")
        check(panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, f"{title}: names a data source of its own")
        for target in panel["targets"]:
            check(target["datasource"]["uid"] == "${datasource}", f"{title}: names a data source of its own")
            unknown = set(re.findall(r"\$(\w+)", target["expr"])) - set(known) - {"__rate_interval"}
            check(not unknown, f"{title}: unknown variables {unknown}")
    for variable in known.values():
        if variable["type"] == "query":
            check(variable["datasource"]["uid"] == "${datasource}", f"variable {variable['name']} names a data source of its own")
    check(known.get("datasource", {}).get("query") == "prometheus", "its data source is not Prometheus")
    for first, second in overlaps(panels(board)):
        faults.append(f"{name}: {first} lies over {second}")
    return faults


def overlaps(all_panels):
    for at, one in enumerate(all_panels):
        for other in all_panels[at + 1:]:
            a, b = one["gridPos"], other["gridPos"]
            if (a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"]
                    and b["y"] < a["y"] + a["h"]):
                yield one["title"], other["title"]
