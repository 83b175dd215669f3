#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares the names in a Grafana dashboard and in Prometheus rules with what an agent exposes: metrics, labels, and
values of labels. Prints a line for each that does not exist, and how much was looked at; exits with 1 when there was one.

    names.py METRICS RULES DASHBOARD

METRICS is the text of /metrics, RULES what Prometheus' /api/v1/rules says, DASHBOARD the file that Grafana imports.
"""
import collections
import json
import re
import sys

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|\$?[a-zA-Z_][\w:]*|[0-9][\w.]*|=~|!~|!=|[^\s]')
NAME = re.compile(r"[a-zA-Z_][\w:]*$")
LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = {"and", "or", "unless", "offset", "bool", "inf", "nan", "start", "end"}
SCRAPED = {"job", "instance"}  # labels that Prometheus adds
OF_PROMETHEUS = {"up": SCRAPED}


def exposed(text):
    """{metric: {label: set of values}}"""
    metrics = collections.defaultdict(lambda: collections.defaultdict(set))
    for line in text.splitlines():
        sample = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ", line)
        if sample and not line.startswith("#"):
            metrics[sample[1]].update({label: set() for label in SCRAPED if label not in metrics[sample[1]]})
            for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', sample[2] or ""):
                metrics[sample[1]][label].add(value)
    return metrics


class Expression:
    """What an expression names: selectors [(metric, [(label, operator, value)])], lists [(word, labels, metrics)]."""

    def __init__(self, text):
        self.tokens = TOKEN.findall(text.replace("[$__rate_interval]", "[1m]").replace("[$__range]", "[1m]"))
        self.selectors, self.lists, self.labels = [], [], set()
        self.scan(0, len(self.tokens))

    def closing(self, at):
        depth = 0
        for i in range(at, len(self.tokens)):
            depth += (self.tokens[i] in "({[") - (self.tokens[i] in ")}]")
            if depth == 0:
                return i
        raise ValueError("a bracket is not closed: " + " ".join(self.tokens))

    def scan(self, at, end):
        while at < end:
            token, following = self.tokens[at], self.tokens[at + 1] if at + 1 < end else ""
            if token == "[":
                at = self.closing(at)
            elif token in LISTS and following == "(":
                at = self.scan_list(at)
            elif NAME.match(token) and token not in WORDS and following not in ("(", "by", "without"):
                at = self.scan_selector(at, following)
            at += 1

    def scan_list(self, at):
        last = self.closing(at + 1)
        labels = [token for token in self.tokens[at + 2 : last] if token != ","]
        about = None
        if self.tokens[at] in ("by", "without") and self.tokens[last + 1 : last + 2] == ["("]:
            inner = Expression(" ".join(self.tokens[last + 2 : self.closing(last + 1)]))
            about = [metric for metric, _ in inner.selectors]
        self.lists.append((self.tokens[at], labels, about))
        return last

    def scan_selector(self, at, following):
        matchers, last = [], at
        if following == "{":
            last = self.closing(at + 1)
            inside = [token for token in self.tokens[at + 2 : last] if token != ","]
            matchers = [(inside[i], inside[i + 1], inside[i + 2][1:-1]) for i in range(0, len(inside), 3)]
        self.selectors.append((self.tokens[at], matchers))
        return last


class Checker:
    def __init__(self, metrics):
        self.metrics, self.complaints, self.used, self.expressions = metrics, [], set(), 0

    def complain(self, where, what):
        self.complaints.append(f"{where}: {what}")

    def values(self, where, metric, matcher):
        label, operator, value = matcher
        if label in SCRAPED or "$" in value or operator not in ("=", "=~"):
            return
        for one in value.split("|") if operator == "=~" else [value]:
            if one not in self.metrics[metric][label]:
                self.complain(where, f'{metric} is never exposed with {label}="{one}"')

    def selector(self, where, metric, matchers):
        if metric not in self.metrics:
            self.complain(where, f"no metric is called {metric}")
            return
        self.used.add(metric)
        for matcher in matchers:
            if matcher[0] in self.metrics[metric]:
                self.values(where, metric, matcher)
            else:
                self.complain(where, f"{metric} has no label {matcher[0]}")

    def expression(self, where, text, templates=()):
        """Templates: texts in which {{label}} or $labels.label stand for values."""
        self.expressions += 1
        expression = Expression(text)
        known = [metric for metric, _ in expression.selectors if metric in self.metrics]
        of_any = {label for metric in known for label in self.metrics[metric]}
        for metric, matchers in expression.selectors:
            self.selector(where, metric, matchers)
        for word, labels, about in expression.lists:
            for label in labels:
                if about is None and label not in of_any:
                    self.complain(where, f"{word} ({label}): no metric there has that label")
                for metric in about or []:
                    if metric in self.metrics and label not in self.metrics[metric]:
                        self.complain(where, f"{word} ({label}): {metric} has no such label")
        for template in templates:
            for label in re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", template or ""):
                if label not in of_any:
                    self.complain(where, f"{{{{{label}}}}}: no metric there has that label")

    def any_values(self, label):
        return {value for metric in self.metrics.values() for value in metric.get(label, ())}

    def rules(self, answer):
        rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
        for rule in rules:
            if rule["type"] == "recording":
                by = [labels for word, labels, _ in Expression(rule["query"]).lists if word == "by"]
                outer = by[0] if by else self.metrics[Expression(rule["query"]).selectors[0][0]]
                self.metrics[rule["name"]] = {label: self.any_values(label) for label in outer}
        for rule in rules:
            self.expression(rule["name"], rule["query"], rule.get("annotations", {}).values())

    def variable(self, where, text):
        asked = re.fullmatch(r"label_values\((.*), (\w+)\)", text)
        if not asked:
            self.complain(where, f"not understood: {text}")
            return
        self.expression(where, asked[1], ["{{" + asked[2] + "}}"])

    def dashboard(self, dashboard):
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                self.variable(f"variable {variable['name']}", variable["query"]["query"])
        for annotation in dashboard["annotations"]["list"]:
            if "expr" in annotation:
                self.expression(annotation["name"], annotation["expr"], [annotation["textFormat"]])
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                self.expression(panel["title"], target["expr"], [target.get("legendFormat")])


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        checker = Checker(exposed(file.read()))
    checker.metrics.update({name: {label: set() for label in labels} for name, labels in OF_PROMETHEUS.items()})
    with open(sys.argv[2], encoding="utf-8") as file:
        checker.rules(json.load(file))
    with open(sys.argv[3], encoding="utf-8") as file:
        checker.dashboard(json.load(file))
    for complaint in checker.complaints:
        print(complaint)
    print(f"{checker.expressions} expressions, {len(checker.used)} metrics, {len(checker.complaints)} complaints")
    sys.exit(1 if checker.complaints else 0)


main()
