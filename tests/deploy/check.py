"""Checks what deploy/ hands out, the workflows and the documents, each kind of file with what is made for it.

    python3 tests/deploy/check.py [--deep]

Makes its virtual environment under target/ on the first run. Programs that no registry of Python has (promtool,
systemd-analyze, kubectl) are used where they are; where one is not, the last line says so. With --deep, checkov looks
for weak settings as well.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DEPLOY = ROOT / "deploy"
MONITORING = DEPLOY / "monitoring"
KUBERNETES = DEPLOY / "kubernetes"
# The version of Kubernetes whose schemas are used; the oldest that gets fixes at the time of writing is older still.
KUBERNETES_VERSION = "1.33"
# Of systemd's exposure levels from 0.0 (fully enclosed) to 10.0, times ten.
MOST_EXPOSED = 20

missing: list[str] = []


class Failure(Exception):
    """What is wrong with a file, for whoever changed it."""


def demand(right: bool, message: str) -> None:
    if not right:
        raise Failure(message)


def run(*command, **options) -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **{"cwd": ROOT, **options},
    )
    demand(done.returncode == 0, f"{' '.join(str(part) for part in command)}:\n{done.stdout}")
    return done.stdout


def is_here(program: str) -> bool:
    if shutil.which(program):
        return True
    missing.append(program)
    return False


def environment(name: str, requirements: str) -> Path:
    """The folder of programs of a virtual environment with these requirements."""
    install = HERE.parent / "emulator" / "install.py"
    directory = ROOT / "target" / name
    run(sys.executable, install, "--directory", directory, "--requirements", HERE / requirements)
    return directory / "bin"


def generated() -> None:
    """What is written by a program says what it would write."""
    run(sys.executable, DEPLOY / "policies.py", "--check")
    run(sys.executable, MONITORING / "generate.py", "--check")
    run(sys.executable, ROOT / "config" / "reference.py", "--check")


def cloudformation() -> None:
    programs = Path(sys.executable).parent
    run(programs / "cfn-lint", "--non-zero-exit-code", "informational", *sorted((DEPLOY / "cloudformation").glob("*.yaml")))


def terraform() -> None:
    """It parses, and every policy and template that it takes from beside it is there and gets what it asks for."""
    import hcl2

    files = sorted((DEPLOY / "terraform").rglob("*.tf"))
    demand(len(files) > 3, "where is the Terraform module?")
    for file in files:
        try:
            with open(file) as text:
                hcl2.load(text)
        except Exception as error:  # the parser raises its library's own kinds
            raise Failure(f"{file}: {error}") from error
    if is_here("terraform"):
        # Whatever its user has configured does not matter for this.
        plain = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull}
        run("terraform", "fmt", "-check", "-diff", "-recursive", DEPLOY / "terraform", env=plain)

    module = "\n".join(file.read_text() for file in (DEPLOY / "terraform").glob("*.tf"))
    given = re.search(r"placeholders = \{(.*?)\n  \}", module, re.S)
    demand(given is not None, "the module has no local.placeholders")
    given = set(re.findall(r"^\s+(\w+)\s+=", given[1], re.M))
    used = re.findall(r'(?:templatefile|file)\("\$\{path\.module\}/([^"]+)"', module)
    demand(len(used) >= 4, f"the module reads {used}")
    for path in used:
        file = (DEPLOY / "terraform" / path).resolve()
        demand(file.is_file(), f"the module reads {path}, which is not there")
        if file.suffix == ".json":
            asked = set(re.findall(r"\$\{(\w+)\}", file.read_text()))
            demand(asked <= given, f"{path} has placeholders that the module does not fill: {asked - given}")
    # What the stack set and the stack of the module pass must be what their templates take.
    import yaml

    for block in re.findall(r'template_body\s+= file\("\$\{path\.module\}/([^"]+)"\)(.*?)\n\}', module, re.S):
        taken = yaml.safe_load((DEPLOY / "terraform" / block[0]).read_text())["Parameters"]
        passed = re.search(r"parameters = \{(.*?)\n  \}", block[1], re.S)
        passed = set(re.findall(r"^\s+(\w+)\s+=", passed[1], re.M))
        needed = {name for name, parameter in taken.items() if "Default" not in parameter}
        demand(needed <= passed <= set(taken), f"{block[0]} takes {sorted(taken)}, the module passes {sorted(passed)}")


def kubernetes() -> None:
    """Every object fits its schema, and the pod is within the restricted profile."""
    import kubernetes_validate
    import yaml

    def documents(text: str):
        return [document for document in yaml.safe_load_all(text) if document]

    objects = [
        (file, document)
        for file in sorted(KUBERNETES.rglob("*.yaml"))
        if file.name != "kustomization.yaml"
        for document in documents(file.read_text())
    ]
    if is_here("kubectl"):
        rendered = run("kubectl", "kustomize", KUBERNETES / "example")
        objects += [("kubectl kustomize", document) for document in documents(rendered)]
    operator = {"ServiceMonitor", "PrometheusRule"}
    for file, document in objects:
        kind = document["kind"]
        if kind in operator:
            demand(document["apiVersion"] == "monitoring.coreos.com/v1", f"{file}: {kind}")
            continue
        try:
            kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise Failure(f"{file}: {kind}: {error}") from error
    kinds = {document["kind"] for _, document in objects}
    wanted = {"Namespace", "ServiceAccount", "Deployment", "Service", "NetworkPolicy"} | operator
    demand(wanted <= kinds, f"missing in deploy/kubernetes: {wanted - kinds}")

    for _, deployment in objects:
        if deployment["kind"] != "Deployment":
            continue
        demand(deployment["spec"]["strategy"] == {"type": "Recreate"}, "the Deployment must stop the old pod first")
        demand(deployment["spec"]["replicas"] == 1, "the Deployment has one pod")
        pod = deployment["spec"]["template"]["spec"]
        demand(pod["securityContext"]["runAsNonRoot"] is True, "the pod may not run as root")
        demand(pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "the pod needs a seccomp profile")
        demand(not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), "the pod is not the host's")
        for container in pod["containers"]:
            context = container["securityContext"]
            demand(context["allowPrivilegeEscalation"] is False, "no privilege escalation")
            demand(context["capabilities"]["drop"] == ["ALL"], "no capabilities")
            demand(context["readOnlyRootFilesystem"] is True, "a read-only root")
    namespace = next(document for _, document in objects if document["kind"] == "Namespace")
    demand(
        namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted", "the namespace is restricted"
    )


def systemd() -> None:
    text = (DEPLOY / "systemd" / "orgwatch.service").read_text()
    # To a user that exists only while the service runs, a configuration of root's must be open to everybody.
    demand("\nDynamicUser=yes\n" in text, "the unit runs as a user of its own")
    demand("\nConfigurationDirectoryMode=0755\n" in text, "that user can enter /etc/orgwatch")
    install = "install -D --mode 0644 config/orgwatch.toml /etc/orgwatch/orgwatch.toml\n"
    demand(install in (DEPLOY / "README.md").read_text(), "that user can read what deploy/README.md installs there")
    if not is_here("systemd-analyze"):
        return
    target = ROOT / "target" / "deploy-unit"
    target.mkdir(parents=True, exist_ok=True)
    unit = target / "orgwatch.service"
    # `verify` asks for the program too; that it is installed is not what is checked here.
    demand("ExecStart=/usr/local/bin/orgwatch serve\n" in text, "the unit runs the daemon")
    unit.write_text(text.replace("/usr/local/bin/orgwatch", "/bin/true"))
    said = run("systemd-analyze", "verify", unit)
    demand("orgwatch.service:" not in said, f"systemd-analyze verify:\n{said}")
    run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", unit)


def compose() -> None:
    import yaml

    schema(DEPLOY / "compose.yaml", "vendor.compose-spec")
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    stages = re.findall(r"^FROM .* AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.M)
    for name, service in services.items():
        target = service["build"]["target"]
        demand(target in stages, f"compose.yaml: {name} wants the target {target}; the Dockerfile has {stages}")


def schema(file: Path, name: str) -> None:
    run(Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", name, file)


def workflows() -> None:
    for file in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        schema(file, "vendor.github-workflows")


def documents() -> None:
    """Every link from one document of the project to another, or to a heading in it, leads somewhere."""

    def anchors(text: str) -> set[str]:
        # As GitHub makes them of headings: small letters, no punctuation, dashes for spaces.
        headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *DEPLOY.rglob("*.md")]
    demand(len(pages) > 20, f"only {len(pages)} documents were found")
    index = (ROOT / "docs" / "README.md").read_text()
    broken = []
    for page in pages:
        text = page.read_text()
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists():
                broken.append(f"{page.relative_to(ROOT)}: {target} is not there")
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
                broken.append(f"{page.relative_to(ROOT)}: {target}: no such heading")
        if page.parent == ROOT / "docs" and page.name != "README.md" and f"({page.name}" not in index:
            broken.append(f"docs/README.md does not name {page.name}")
    demand(not broken, "\n".join(broken))


def monitoring() -> None:
    """The alerts are well formed and fire for their cause; each is tested and explained, on metrics that there are."""
    import yaml

    if is_here("promtool"):
        run("promtool", "check", "rules", MONITORING / "alerts.yaml")
        # It looks for the rules in the folder where it runs.
        run("promtool", "test", "rules", "tests.yaml", cwd=MONITORING)
    alerts = [rule for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    tests = yaml.safe_load((MONITORING / "tests.yaml").read_text())["tests"]
    asked = [test for group in tests for test in group["alert_rule_test"]]
    for alert in alerts:
        name = alert["alert"]
        mine = [bool(test["exp_alerts"]) for test in asked if test["alertname"] == name]
        demand(True in mine and False in mine, f"{name} is not tested both to fire and to be silent")
        demand(alert["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}", f"{name}: runbook")
        demand(f"\n### {name}\n" in runbook, f"docs/runbook.md does not say what to do about {name}")
        demand(alert["labels"]["severity"] in ("critical", "warning"), f"{name}: severity")
    explained = set(re.findall(r"^### (Orgwatch\w+)$", runbook, re.M))
    demand(explained == {alert["alert"] for alert in alerts}, "docs/runbook.md explains alerts that are not there")

    api = (ROOT / "docs" / "api.md").read_text()
    known = set(re.findall(r"`(orgwatch_\w+)", api))
    for file in ("alerts.yaml", "dashboard.json"):
        text = (MONITORING / file).read_text()
        used = {re.sub(r"_bucket$", "", name) for name in re.findall(r"\borgwatch_\w+", text)}
        demand(used <= known, f"{file} uses metrics that docs/api.md does not have: {sorted(used - known)}")
    json.loads((MONITORING / "dashboard.json").read_text())


def deep() -> None:
    programs = environment("deploy-checks-deep", "requirements-deep.txt")
    said = run(programs / "checkov", "--config-file", HERE / "checkov.yaml")
    print(said)


CHECKS = (generated, cloudformation, terraform, kubernetes, systemd, compose, workflows, monitoring, documents)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deep", action="store_true", help="look for weak settings too, which takes a minute")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        if not arguments.inside:
            python = environment("deploy-checks", "requirements.txt") / "python"
            return subprocess.run([python, __file__, "--inside", *(["--deep"] if arguments.deep else [])]).returncode
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    failed = 0
    for check in CHECKS + ((deep,) if arguments.deep else ()):
        try:
            check()
            print(f"ok      {check.__name__}")
        except Failure as failure:
            failed += 1
            print(f"FAILED  {check.__name__}\n{failure}")
    if missing:
        print(f"not installed here, so left out: {', '.join(missing)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
