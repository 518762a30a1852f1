"""What became of a part, as the JSON has it. No JAX here: the grader itself does without."""

from typing import Any

from grading.rubric import CARRIED

LONGEST = 300  # characters of a message: an exception's text can be anything


def result(
    name: str, total: int, points: int, why: dict[str, Any], checks: list[dict[str, Any]]
) -> dict[str, Any]:
    """A part's entry in the JSON."""
    return {
        "part": name,
        "points": points,
        "total": total,
        "passed": points == total,
        **why,
        "checks": checks,
    }


def zero(name: str, total: int, why: dict[str, Any]) -> dict[str, Any]:
    """The entry of a part that could not be graded."""
    return result(name, total, 0, why, [])


def failure(status: str, message: str = "", line: int | None = None) -> dict[str, Any]:
    """What became of a part, and the line of the student's file."""
    return {"status": status, "message": short(message), "line": line}


def summed(file: str, exercise: str, seed: int, marked: list[dict[str, Any]]) -> dict[str, Any]:
    """The sum of the points, above the parts."""
    carried = {}
    if exercise in CARRIED:
        for part in marked:
            part["points_carried"] = sum(check["carried"] for check in part["checks"])
        carried["points_carried"] = sum(part["points_carried"] for part in marked)
    return {
        "file": file,
        "exercise": exercise,
        "seed": seed,
        "passed": all(part["passed"] for part in marked),
        "points": sum(part["points"] for part in marked),
        **carried,
        "total": sum(part["total"] for part in marked),
        "not_implemented": [p["part"] for p in marked if p["status"] == "not implemented"],
        "parts": marked,
    }


def short(text: str) -> str:
    """One line, of bounded length."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
