"""Carries out stack operations: create, update, delete, and the way back when one fails.

An operation is a series of phases over the stack's journal. Whatever it did stands in the journal
before the next thing begins, so a process that stopped in the middle takes up the operation where
it was when it starts again, and a failed operation knows what to undo.
"""

import traceback
from typing import TYPE_CHECKING

from mlzone_cloud.cfn import preparation, stack_policy, template
from mlzone_cloud.cfn.errors import FAILURES, ResourceError, handler_code, reason_of
from mlzone_cloud.cfn.provider import Context
from mlzone_cloud.cfn.records import set_resource_status, set_status
from mlzone_cloud.cfn.resource_work import KEPT, ResourceWork
from mlzone_cloud.cfn.state import Journal, Json, Stack, Step

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


class Operation:
    """The operation that is under way on one stack."""

    def __init__(self, cloud: "Cloud", stack: Stack) -> None:
        self._cloud = cloud
        self._stack = stack
        self._context = Context.of(cloud, stack)
        self._work = ResourceWork(self._context, stack)

    def run(self) -> None:
        """Go on until the operation has ended."""
        phases = {
            "forward": self._forward,
            "clean": self._clean,
            "undo": self._undo,
            "discard": self._discard,
            "delete": self._delete,
        }
        while self._stack.in_progress and (journal := self._stack.journal):
            try:
                phases[journal.phase](journal)
            except Exception as error:  # noqa: BLE001 - a defect must not leave the stack in progress
                self._cloud.record_error("".join(traceback.format_exception(error)))
                self._end(f"{self._prefix(journal)}_FAILED", f"Internal Failure: {error!r}")

    def _prefix(self, journal: Journal) -> str:
        if journal.phase in ("undo", "discard"):
            return "ROLLBACK" if journal.kind == "CREATE" else "UPDATE_ROLLBACK"
        return journal.kind

    def _end(self, status: str, reason: str = "", *, done: bool = False) -> None:
        with self._cloud.lock:
            if done:
                self._stack.journal = None
            set_status(self._cloud, self._stack, status, reason)

    # --- forwards ---------------------------------------------------------------------------

    def _forward(self, journal: Journal) -> None:
        stack = self._stack
        try:
            document = template.parse(stack.template_body)
            parameters = preparation.resolve_parameters(document, stack.parameters, self._context)
            stack.resolved_parameters = parameters
            imports: list[str] = []
            scope = preparation.scope_of(document, stack, parameters, self._context, imports)
            preparation.check_rules(document, scope)
            wanted = self._apply(document, scope, journal)
            outputs = preparation.outputs(document, scope)
            preparation.check_exports(self._cloud, stack, outputs)
        except FAILURES as error:
            self._failed(journal, reason_of(error))
            return
        with self._cloud.lock:
            stack.outputs = outputs
            stack.imports = sorted(set(imports))
            journal.wanted, journal.phase = wanted, "clean"

    def _apply(self, document: Json, scope: template.Scope, journal: Journal) -> list[str]:
        declared = document["Resources"]
        wanted = [
            name
            for name in preparation.order(document)
            if "Condition" not in declared[name] or scope.condition(declared[name]["Condition"])
        ]
        for name, resource in self._stack.resources.items():
            if name not in wanted:
                stack_policy.check(self._stack, resource, "Update:Delete")
        for name in wanted:
            if journal.cancelled:
                raise ResourceError("User Initiated: the update was cancelled")
            scope.add(self._work.bring(name, declared[name], scope, journal))
        return wanted

    def _failed(self, journal: Journal, reason: str) -> None:
        stack = self._stack
        journal.reason = reason
        if stack.disable_rollback:
            self._end(f"{journal.kind}_FAILED", reason)
        elif journal.kind == "CREATE" and stack.on_failure == "DELETE":
            journal.kind, journal.phase = "DELETE", "delete"
            set_status(self._cloud, stack, "DELETE_IN_PROGRESS", reason)
        else:
            journal.phase = "undo"
            verb = "ROLLBACK" if journal.kind == "CREATE" else "UPDATE_ROLLBACK"
            suffix = " Rollback requested by user." if journal.kind == "CREATE" else ""
            set_status(self._cloud, stack, f"{verb}_IN_PROGRESS", reason + suffix)

    def _clean(self, journal: Journal) -> None:
        """Remove what has a successor and what the template no longer has."""
        stack = self._stack
        with self._cloud.lock:
            # From here on the new state stands; nothing is undone any more.
            for step in journal.steps:
                keeps = step.before and step.before.update_replace_policy in KEPT
                if step.kind == "replaced" and step.before and not keeps:
                    journal.doomed.append(step.before)
            journal.steps = []
            leftovers = [
                item for name, item in stack.resources.items() if name not in journal.wanted
            ]
        if (leftovers or journal.doomed) and journal.kind == "UPDATE":
            set_status(self._cloud, stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        # A resource that AWS cannot remove in this phase is left behind; the update has succeeded.
        self._remove_doomed(journal)
        self._work.remove(leftovers)
        with self._cloud.lock:
            for resource in leftovers:
                stack.resources.pop(resource.logical_id, None)
        self._end(f"{journal.kind}_COMPLETE", done=True)

    def _remove_doomed(self, journal: Journal) -> list[str]:
        failed = []
        while journal.doomed:
            resource = journal.doomed[-1]
            if not self._work.drop(resource):
                failed.append(resource.logical_id)
            journal.doomed.pop()
        return failed

    # --- backwards --------------------------------------------------------------------------

    def _undo(self, journal: Journal) -> None:
        """Bring every resource back to what it was before, the last changed first."""
        if journal.kind == "CREATE":
            self._undo_create(journal)
            return
        while journal.steps:
            step = journal.steps[-1]
            try:
                self._undo_step(step, journal)
            except FAILURES as error:
                if not step.failure or handler_code(error) != step.failure:
                    self._undo_failed(step, reason_of(error))
                    return
                # It fails as it did before: the resource had never been changed.
                self._keep(step)
            journal.steps.pop()
        with self._cloud.lock:
            self._stack.restore(journal.before)
            journal.phase = "discard"
        set_status(self._cloud, self._stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")

    def _undo_failed(self, step: Step, reason: str) -> None:
        resource = self._stack.resources[step.name]
        set_resource_status(self._cloud, self._stack, resource, "UPDATE_FAILED", reason)
        self._end(
            "UPDATE_ROLLBACK_FAILED",
            f"The following resource(s) failed to update: [{step.name}].",
        )

    def _undo_step(self, step: Step, journal: Journal) -> None:
        stack = self._stack
        if step.kind == "updated" and step.before:
            self._work.revert(stack.resources[step.name], step.before)
            return
        with self._cloud.lock:
            successor = stack.resources.pop(step.name, None)
            if successor:
                journal.doomed.append(successor)
            if step.before:
                stack.resources[step.name] = step.before
        if step.before:
            set_resource_status(self._cloud, stack, step.before, "UPDATE_COMPLETE")

    def _keep(self, step: Step) -> None:
        if step.before:
            with self._cloud.lock:
                self._stack.resources[step.name] = step.before
            set_resource_status(self._cloud, self._stack, step.before, "UPDATE_COMPLETE")

    def _undo_create(self, journal: Journal) -> None:
        stack = self._stack
        for resource in stack.resources.values():
            # A stack that never came to be leaves nothing behind but what must be retained.
            if resource.deletion_policy == "RetainExceptOnCreate":
                resource.deletion_policy = "Delete"
        failed = self._work.remove(list(stack.resources.values()))
        if failed:
            self._end(
                "ROLLBACK_FAILED",
                f"The following resource(s) failed to delete: [{', '.join(failed)}].",
            )
        else:
            self._end("ROLLBACK_COMPLETE", journal.reason, done=True)

    def _discard(self, journal: Journal) -> None:
        """Remove what a failed update had made."""
        self._remove_doomed(journal)
        for resource in self._stack.resources.values():
            if resource.status == "UPDATE_FAILED":
                resource.status, resource.reason = "UPDATE_COMPLETE", ""
        self._end("UPDATE_ROLLBACK_COMPLETE", journal.reason, done=True)

    # --- deletion ---------------------------------------------------------------------------

    def _delete(self, journal: Journal) -> None:
        stack = self._stack
        if used := preparation.exports_in_use(self._cloud, stack, stack.outputs):
            self._end("DELETE_FAILED", used, done=True)
            return
        kept = [item for name, item in stack.resources.items() if name in journal.retain]
        for resource in kept:
            set_resource_status(self._cloud, stack, resource, "DELETE_SKIPPED")
            stack.resources.pop(resource.logical_id)
        failed = self._work.remove(list(stack.resources.values()))
        if failed:
            names = ", ".join(failed)
            self._end(
                "DELETE_FAILED",
                f"The following resource(s) failed to delete: [{names}]. ",
                done=True,
            )
            return
        with self._cloud.lock:
            stack.outputs, stack.imports = [], []
            stack.deleted = self._cloud.clock.now()
        self._end("DELETE_COMPLETE", done=True)
