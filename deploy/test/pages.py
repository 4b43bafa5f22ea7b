"""The pages speak of files, tests and questions that exist."""

import re

from common import DEPLOY, check

PAGES = ["README.md", "RUNBOOK.md", "CHECKLIST.md", "loadtest/README.md"]


def check_names():
    repository = DEPLOY.parent
    missing = []
    for page in PAGES:
        text = (DEPLOY / page).read_text()
        for name in re.findall(r"`((?:tests/it|src|deploy|\.ci|scripts|benches)/[\w./-]+)`", text):
            if not (repository / name).exists():
                missing.append(f"{page}: {name}")
        for name in re.findall(r"`((?:nginx|apache|caddy|haproxy|docker|kubernetes|systemd|"
                               r"firewall|fail2ban|monitoring|loadtest|logrotate|test)/[\w./-]*)`", text):
            if not (DEPLOY / name).exists():
                missing.append(f"{page}: {name}")
        for name in re.findall(r"\]\(([\w./-]+)\)", text):
            if not (DEPLOY / name).exists():
                missing.append(f"{page}: {name}")
        headings = {heading for other in PAGES for heading in re.findall(
            r"^(?:#+ |\*\*|- \*\*)([^*\n.]+)", (DEPLOY / other).read_text(), re.M)}
        for name in re.findall(r"(?<!repository's )(?:RUNBOOK|README)\.md, \"([^\"]+)\"", text):
            if name not in headings:
                missing.append(f"{page}: the section {name}")
    check("every file and test that they name is there", not missing, "\n".join(missing))


def check_proofs():
    """Each line of this test that CHECKLIST.md names is one that the test prints."""
    source = "".join(path.read_text() for path in [*(DEPLOY / "test").glob("*.py"), DEPLOY / "test/boot"])
    source += " systemd: ".join(re.findall(r'(?:holds|line \$\?) "(.*?)"', source))
    words = re.sub(r"\{[^}]*\}", "…", source)
    # Lines that are put together of pieces.
    words += " the smoke test fails with a wrong key fails with no redirect fails with … haproxy: …"
    words += " an alert of severity … reaches …"
    missing = []
    for row in (DEPLOY / "CHECKLIST.md").read_text().splitlines():
        if "deploy/test" not in row:
            continue
        for name in re.findall(r"(?<!\*)\*([^*|]+)\*(?!\*)", row.split("deploy/test", 1)[1]):
            if name not in words and name.replace("all refused", "all … refused") not in words:
                missing.append(name)
    check("every line of this test that CHECKLIST.md names is printed", not missing,
          "\n".join(missing))


def check_questions(ask):
    """The questions of the runbook, asked; those that leave something open are not."""
    questions = re.findall(r"ask '(\{[^']*\})'", (DEPLOY / "RUNBOOK.md").read_text())
    asked = [question for question in questions if "…" not in question]
    wrong = [f"{question}\n{answer}" for question in asked if '"errors"' in (answer := ask(question))]
    check(f"RUNBOOK.md: its questions are answered ({len(asked)})", len(asked) >= 5 and not wrong,
          "\n".join(wrong))
