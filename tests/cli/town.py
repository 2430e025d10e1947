"""A small bank, its development environment on an embedded cloud, and its estate in git."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from tests.cli.change_pipeline import small_estate
from tests.cli.workplace import equip

from mlzone.estate import Estate, Stage
from mlzone.loading import load_estate
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.session import account_session
from mlzone_tools.demo.scene import wait

UNIT = "retail"
_LINKS = ("app.py", "cdk.json", "node_modules", "pipeline_templates", "runtime")


class Town:
    """A folder with the product, in which people change an estate and deploy it."""

    def __init__(self, folder: Path, documented: Callable[..., Any]) -> None:
        self.folder, self._documented = folder, documented
        self.estate_path = folder / "organization"
        equip(folder, *_LINKS)
        small_estate(self.estate_path)
        _second_unit(self.estate_path / "business_units" / "treasury.yaml")
        self._git("init", "--quiet", "--initial-branch", "main")
        self.commit("Begin")

    def open(self) -> None:
        """Start the cloud and deploy the development environment."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.mlzone("cloud", "up", f"--port={port}")
        self.mlzone("cloud", "bootstrap", "--unit", UNIT)
        self.mlzone("deploy", UNIT, "--environment=dev")

    def close(self) -> None:
        embedded.stop(self.folder / ".mlzone" / "cloud")

    # --- what people do -----------------------------------------------------------------------

    def mlzone(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command; its exit code is as expected."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(
            [Path(sys.executable).with_name("mlzone"), *arguments],
            cwd=self.folder,
            env={**own, "MLZONE_STATE": str(self.folder / ".mlzone" / "cloud")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr[-4000:] + done.stdout[-2000:]
        return done

    def result(self, *arguments: str, code: int = 0) -> Any:
        """Return what a command prints as JSON; it is as documented."""
        return self._documented(self.mlzone(*arguments, "--json", code=code).stdout, *arguments)

    def edit(self, pattern: str, new: str) -> None:
        """Change the unit's file."""
        path = self.estate_path / "business_units" / f"{UNIT}.yaml"
        text, count = re.subn(pattern, new, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert count == 1, pattern
        path.write_text(text, encoding="utf-8")

    def unit(self, change: Callable[[Any], None]) -> None:
        """Change what the unit's file says."""
        path = self.estate_path / "business_units" / f"{UNIT}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def remove_unit(self) -> None:
        (self.estate_path / "business_units" / f"{UNIT}.yaml").unlink()

    def allow(self, *patterns: str, expires: str) -> None:
        """Let data be lost."""
        allowances = [
            {
                "resource": pattern,
                "reason": "They left the bank, and their work is in the repository",
                "owner": "olga.ramos",
                "ticket": "MLP-7",
                "expires": expires,
            }
            for pattern in patterns
        ]
        (self.estate_path / "allowances.yaml").write_text(
            yaml.safe_dump({"allowances": allowances}).replace(f"'{expires}'", expires),
            encoding="utf-8",
        )

    def commit(self, message: str) -> None:
        self._git("add", ".")
        self._git("commit", "--quiet", "--message", message)

    def _git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Ana", "-c", "user.email=ana@bank.example")
        subprocess.run(
            ["git", *identity, *arguments], cwd=self.estate_path, check=True, capture_output=True
        )

    # --- what is there ------------------------------------------------------------------------

    @property
    def estate(self) -> Estate:
        return load_estate(self.estate_path)

    def client(self, service: str, account: str = "111111111111") -> Any:
        """Return an SDK client of the platform team in an account; the development's at first."""
        endpoint = embedded.running(self.folder / ".mlzone" / "cloud")
        return account_session(endpoint, self.estate, account).client(service)

    def stacks(self) -> dict[str, Any]:
        """Return the deployed stacks of the development environment."""
        found = self.client("cloudformation").describe_stacks()["Stacks"]
        return {it["StackName"]: it for it in found if it["StackName"].startswith("aur-")}

    def template(self, stack: str) -> Any:
        """Return the template that a stack was deployed with."""
        body = self.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
        return json.loads(body if isinstance(body, str) else json.dumps(body))

    def update(self, stack: str, template: Any) -> None:
        """Update a stack past our command line, and wait until it has ended."""
        self.client("cloudformation").update_stack(
            StackName=stack,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[
                {"ParameterKey": item["ParameterKey"], "UsePreviousValue": True}
                for item in self.stacks()[stack].get("Parameters", ())
            ],
        )
        self.settled(stack)

    def settled(self, stack: str) -> None:
        """Wait until nobody works on a stack."""
        wait(
            lambda: not self.stacks()[stack]["StackStatus"].endswith("_IN_PROGRESS"),
            f"{stack} is settled",
            seconds=60,
        )

    def policy(self, stack: str) -> Any:
        """Return a stack's policy."""
        client = self.client("cloudformation")
        return json.loads(client.get_stack_policy(StackName=stack)["StackPolicyBody"])


def _second_unit(path: Path) -> None:
    content = yaml.safe_load((path.parent / f"{UNIT}.yaml").read_text(encoding="utf-8"))
    content |= {
        "name": "treasury",
        "title": "Treasury",
        "owner": "olivia.paz",
        "cost_center": "CC-2",
        "approvers": ["rosa.vidal", "sergio.luz"],
    }
    for index, stage in enumerate(Stage):
        content["environments"][stage.value] = {
            "account": f"22222222222{index}",
            "network": {"create": {"cidr": f"10.1.{16 * index}.0/20"}},
        }
    content["teams"] = content["teams"][1:]
    content["teams"][0]["members"] = {"data-scientist": ["dora.reis"]}
    content["teams"][0]["data_zones"][0]["owner"] = "dora.reis"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
