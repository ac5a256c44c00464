"""The page of all rules, and a rule's origin in words."""

from typing import Final

from chappe.domain.countries import source
from chappe.domain.rule_table import RULES, Rule
from chappe.domain.rulebook import Because

_ORIGINS: Final = {
    "account": "set for the account",
    "parent": "set for its parent account",
    "installation": "set for the installation",
    "country": "the country's file",
    "default": "default",
}
_HEAD: Final = """# Rules

What an operator may set other than the country files and the settings have it: for the whole installation, for one
account, and where the table says so for one country. The narrower wins: the account before its parent before the
installation, and for each a country before all of them; then the country's file, as far as it is sure enough to be
enforced ([countries.md](countries.md)), then the default. A sub-account has its parent's rules unless it has its own.

```
chappe rule set marketing_hours strict --country FR --note "our operator asks for 8:30"
chappe rule set price 0.8 --country IE --account shop@example.org --note "contract of May"
chappe rule show --account shop@example.org --country IE
chappe rule unset price --country IE --account shop@example.org --note "contract is over"
chappe rule list
chappe audit list --action rule
```

A change holds half a second later, for what is decided from then on and for what is handed to a carrier from then on;
prices and texts of what was accepted before stay. Every change is in the audit log with its note.

Prices can be loaded as a card: `chappe rate load credits.toml --note "prices of June"`, with lines like `FR = 1`,
`IE = 0.8` and `default = 1`. Fractions are kept exactly; an answer shows the cost of all messages together, rounded up
to whole credits.

| rule | by country | default | what it says |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The page docs/rules.md."""
    return _HEAD + "".join(_row(rule) for rule in RULES.values())


def _row(rule: Rule) -> str:
    default = rule.default
    if default.startswith("{"):
        default = f"setting `{default[1:-1]}`"
    elif default:
        default = f"`{default}`"
    if rule.fact:
        default = f"the country's `{rule.fact}`, else {default or 'nothing'}"
    return f"| `{rule.name}` | {'yes' if rule.has_country else ''} | {default} | {rule.help} |\n"


def told(because: Because) -> str:
    """Where a rule comes from, in words."""
    words = _ORIGINS[because.origin]
    if because.confidence:
        titles = ", ".join(source(name).title for name in because.sources[:3])
        words += f", {because.confidence}: {titles}"
    return f"{words} ({because.note})" if because.note and because.origin != "country" else words
