"""Asks an engine that nobody here wrote whether events match patterns.

The engine is LocalStack's `event_rule_engine`, used offline. Standard input: a line of JSON for each pair, with `pattern`
(a text) and `event`. Standard output: a line of JSON for each, with

- `engine`: what the engine says, as it is: true, false, or the error that it ends with;
- `amended`: the same with each of AMENDMENTS, which are the places where the engine falls short of what AWS says
  (`differences.toml` has AWS's words);
- `by`: the amendments that made the difference.
"""

import json
import re
import sys
import types


class InvalidEventPatternException(Exception):
    """The one thing that the engine imports from the rest of LocalStack."""


for name in ("localstack.aws", "localstack.aws.api", "localstack.aws.api.events"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["localstack.aws.api.events"].InvalidEventPatternException = InvalidEventPatternException

from localstack.services.events.event_rule_engine import (  # noqa: E402
    EventPatternCompiler,
    EventRuleEngine,
)


class StarsMayBeEmpty(EventRuleEngine):
    """A star stands also for no text, an escaped star for itself, and a text does not end before its line feed."""

    @staticmethod
    def _evaluate_wildcard(condition, value):
        parts = re.findall(r"\\[\\*]|\*|[^\\*]+", condition)
        expression = "".join(".*" if part == "*" else re.escape(re.sub(r"\\(.)", r"\1", part)) for part in parts)
        return isinstance(value, str) and re.fullmatch(expression, value, re.DOTALL) is not None


class LiteralsAreNoNumbers(EventRuleEngine):
    """`true` is not 1 and `false` not 0, as Python has it."""

    @staticmethod
    def _typed(value):
        return ("literal", value) if isinstance(value, bool) else value

    def _evaluate_condition(self, value, condition, field_exists):
        value = self._typed(value)
        if not isinstance(condition, dict):
            return field_exists and value == self._typed(condition)
        return super()._evaluate_condition(value, condition, field_exists)


class CaseIsOfTexts(EventRuleEngine):
    """A value that is no text has no prefix and no suffix, whatever the case; the engine ends with an error."""

    def _evaluate_condition(self, value, condition, field_exists):
        if not isinstance(value, str) and isinstance(condition, dict):
            operand = condition.get("prefix", condition.get("suffix"))
            if isinstance(operand, dict):
                return False
        return super()._evaluate_condition(value, condition, field_exists)


class AddressesAreTexts(EventRuleEngine):
    """A number is no address; Python takes 0 for 0.0.0.0."""

    @staticmethod
    def _evaluate_cidr(condition, value):
        return isinstance(value, str) and EventRuleEngine._evaluate_cidr(condition, value)


class Leaf:
    """One value of an event, which is itself alone however equal others are."""

    def __init__(self, value):
        self.value = value


def leaves(value):
    if isinstance(value, dict):
        return {name: leaves(inner) for name, inner in value.items()}
    return [leaves(inner) for inner in value] if isinstance(value, list) else Leaf(value)


class FieldsOfOneElement(EventRuleEngine):
    """Fields that lie in one list must match in the same element; the engine takes each from any element.

    A field is absent if no element that is still open has it. Fields are asked for in the order of their names.
    """

    def _evaluate_nested_event_pattern_on_dict(self, event_pattern, payload):
        patterns = self.flatten_pattern(event_pattern)
        elements = self.flatten_payload(leaves(payload), patterns)
        return any(self._reached(sorted(pattern.items()), elements) for pattern in patterns)

    def _reached(self, fields, elements):
        if not fields:
            return True
        (key, conditions), *rest = fields
        found = {element[key]: None for element in elements if key in element}
        if not found:
            return {"exists": False} in conditions and self._reached(rest, elements)
        return any(
            self._reached(rest, [element for element in elements if element.get(key) is leaf])
            for leaf in found
            if any(self._evaluate_condition(leaf.value, condition, field_exists=True) for condition in conditions)
        )


AMENDMENTS = {
    "stars-may-be-empty": StarsMayBeEmpty,
    "literals-are-no-numbers": LiteralsAreNoNumbers,
    "case-is-of-texts": CaseIsOfTexts,
    "addresses-are-texts": AddressesAreTexts,
    "fields-of-one-element": FieldsOfOneElement,
}
ALL = type("Amended", tuple(AMENDMENTS.values()), {})()


def asked(engine, pattern, event):
    try:
        return engine.evaluate_pattern_on_event(EventPatternCompiler().compile_event_pattern(pattern), event)
    except InvalidEventPatternException as refusal:
        return f"refused: {refusal}"
    except Exception as error:  # noqa: BLE001: whatever it is, it is an answer of the engine
        return f"{type(error).__name__}: {error}"


def responsible(pattern, event, amended):
    """The amendments without which the answer is another; all that there are, if only several at once change it."""

    def without(name):
        rest = tuple(amendment for other, amendment in AMENDMENTS.items() if other != name)
        return asked(type("Partly", rest, {})(), pattern, event)

    single = [name for name in AMENDMENTS if without(name) != amended]
    return single or list(AMENDMENTS)


for line in sys.stdin:
    pair = json.loads(line)
    pattern, event = pair["pattern"], pair["event"]
    engine, amended = asked(EventRuleEngine(), pattern, event), asked(ALL, pattern, event)
    by = responsible(pattern, event, amended) if engine != amended else []
    print(json.dumps({"engine": engine, "amended": amended, "by": by}))
