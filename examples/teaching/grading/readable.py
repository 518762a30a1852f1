"""The result of grading as lines to read, one per value."""

from typing import Any


def readable(result: dict[str, Any]) -> str:
    """`dw ✗ yours is the transpose`, under the points of each part; the total comes last.

    `(✓)` is what follows from the student's own earlier values.
    """
    lines = [f"{result['exercise']}, seed {result['seed']}: {result['file']}"]
    for part in result["parts"]:
        lines += ["", f"{part['part']}: {part['points']} of {part['total']}"]
        if part["message"]:
            place = f"line {part['line']}: " if part["line"] else ""
            lines.append(f"  {place}{part['message']}")
        width = max((len(check["name"]) for check in part["checks"]), default=0)
        for check in part["checks"]:
            mark = "✓" if check["passed"] else "(✓)" if check.get("carried") else "✗"
            says = check["message"]
            if check["passed"]:
                says = says.removeprefix("ok").removeprefix("; ")
            lines.append(f"  {check['name']:{width}} {mark} {says}".rstrip())
    lines += ["", f"Points: {result['points']} of {result['total']}"]
    if result.get("points_carried", result["points"]) != result["points"]:
        more = f"{result['points_carried']} of {result['total']}"
        lines.append(f"Points with follow-through credit: {more}")
    return "\n".join(lines)
