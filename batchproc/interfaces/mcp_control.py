"""The MCP tools that let jobs run, and that change what is there. A person may be asked in the client's own dialog."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context, ElicitationResult, Resolve
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from batchproc import answers
from batchproc.approvals import Approval
from batchproc.interfaces import mcp_asking as asking
from batchproc.interfaces.mcp_words import result, tool, with_errors_for_models
from batchproc.models import JobOptions, Variant
from batchproc.present_plan import Plan

if TYPE_CHECKING:
    from batchproc.service import BatchService

JobId = Annotated[str, Field(description="As create_job or list_jobs gave it")]
Why = Annotated[str | None, Field(max_length=500, description="Why, in a few words; kept with the change")]
Keys = Annotated[list[str], Field(min_length=1, max_length=10_000, description="Units by their keys")]
Variants = Annotated[
    list[Variant] | None,
    Field(description="2 to 6 descriptions that the pilot tries on the same units: name, and what differs"),
]

STARTS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


class ControlTools:
    """Each method is a tool: it calls the service and presents what it gets."""

    def __init__(self, service: "Callable[[], Awaitable[BatchService]]") -> None:
        self._service = service
        self._programs: asking.Shown[Approval] = asking.Shown()
        self._plans: asking.Shown[Plan] = asking.Shown()

    def table(self) -> list[Tool]:
        return [
            tool(self._start_job(), "Start a job", STARTS),
            tool(self.update_job, "Change what a job says", STARTS),
            tool(self.control_job, "Pause, resume or change a job", CHANGES),
            tool(self.cancel_job, "Cancel a job", CHANGES),
            tool(self.cancel_units, "Cancel units", CHANGES),
            tool(self.retry_units, "Retry units", STARTS),
            tool(self.delete_job, "Delete a job", CHANGES),
        ]

    async def _ask(self, job_id: JobId, ctx: Context) -> asking.Question:
        """Whether what the job names is allowed."""
        needed = await (await self._service()).needed_approval(job_id)
        self._programs.put(ctx, needed)
        return asking.question(ctx, asking.may(f"job {job_id}", needed))

    async def _ask_about_plan(
        self,
        job_id: JobId,
        ctx: Context,
        confirmed: bool = False,
        skip_pilot: bool = False,
        variant: str | None = None,
        variants: list[Variant] | None = None,
    ) -> asking.Question:
        """Whether the plan may be carried out, where nobody has said so, and it is one."""
        if confirmed or variants is not None:
            return asking.NotAsked()
        plan = await (await self._service()).plan(job_id, skip_pilot=skip_pilot, variant=variant)
        if plan is None or plan.is_choice:
            return asking.NotAsked()
        self._plans.put(ctx, plan)
        return asking.question(ctx, f"batchproc: may this run?\n\n{plan.text}")

    def _start_job(self) -> Callable[..., Awaitable[CallToolResult]]:
        """The tool start_job, bound to this service: what it asks is resolved before it is called."""
        ask = with_errors_for_models(self._ask)
        ask_about_plan = with_errors_for_models(self._ask_about_plan)

        async def start_job(
            job_id: JobId,
            ctx: Context,
            approval: Annotated[ElicitationResult[asking.Approved], Resolve(ask)],
            agreed: Annotated[ElicitationResult[asking.Approved], Resolve(ask_about_plan)],
            confirmed: Annotated[bool, Field(description="The user has agreed to the plan that was returned")] = False,
            skip_pilot: Annotated[bool, Field(description="Run all units at once; needs confirmed as well")] = False,
            variant: Annotated[str | None, Field(description="In review: which of the variants is to run")] = None,
            variants: Variants = None,
            why: Why = None,
        ) -> Annotated[CallToolResult, answers.StartedJob]:
            """Let a job's agents run in the background. The first time a few units run (a pilot), then the job waits in
            review: get_status has their answers and a quote for the rest. From review: confirmed=true lets the rest
            run, once the user agrees. After a pause it goes on. Spends money unless the model is the rehearsal model.
            Returns at once."""
            service = await self._service()
            program, plan = self._programs.take(ctx), self._plans.take(ctx)
            if program is not None and asking.yes(approval):
                await service.approve(job_id, program.hash, by=asking.person(ctx))
            how = {
                "confirmed": confirmed,
                "skip_pilot": skip_pilot,
                "variant": variant,
                "variants": variants,
                "why": why,
            }
            agreed_to = plan if asking.yes(agreed) else None
            return result(await service.start_job(job_id, agreed=agreed_to, **how))  # type: ignore[arg-type]

        return start_job

    async def update_job(
        self,
        job_id: JobId,
        instructions: Annotated[str | None, Field(min_length=1, description="In the place of the job's own")] = None,
        output_schema: Annotated[dict[str, Any] | None, Field(description="As in create_job")] = None,
        options: Annotated[JobOptions | None, Field(description="Those named take the place of the job's own")] = None,
        why: Why = None,
    ) -> Annotated[CallToolResult, answers.ControlledJob]:
        """Change what a job says. In review the pilot runs again on the same units; a job that has run tries it on the
        units that were judged, then waits in review. get_status shows old beside new. Spends money for these units: ask
        the user first."""
        service = await self._service()
        change = {"instructions": instructions, "output_schema": output_schema, "options": options, "why": why}
        return result(await service.update_job(job_id, **change))  # type: ignore[arg-type]

    async def control_job(
        self,
        job_id: JobId,
        action: Annotated[str, Field(description="pause, resume or set")],
        max_concurrency: Annotated[int | None, Field(ge=1, le=256, description="Agents at a time")] = None,
        budget_usd: Annotated[float | None, Field(gt=0, description="Dollars the whole job may cost")] = None,
        unit_budget_usd: Annotated[float | None, Field(gt=0, description="Dollars one attempt may cost")] = None,
        max_total_tokens: Annotated[int | None, Field(ge=1, description="Tokens of the whole job")] = None,
        max_units: Annotated[int | None, Field(ge=1, description="Units that may be started at all")] = None,
        max_wall_s: Annotated[float | None, Field(ge=1, description="Seconds of running")] = None,
        breaker: Annotated[int | None, Field(ge=0, le=20, description="As in options; 0: never")] = None,
        priority: Annotated[int | None, Field(ge=-100, le=100, description="Higher ones get free slots first")] = None,
        drain: Annotated[bool, Field(description="pause: true lets running units finish, false stops them")] = True,
        remove: Annotated[
            list[str] | None,
            Field(description="Limits to take away: unit_budget_usd, max_total_tokens, max_units, max_wall_s"),
        ] = None,
        why: Why = None,
    ) -> Annotated[CallToolResult, answers.ControlledJob]:
        """Pause a job, let it go on, or set how many agents run at a time, what it may cost, its other caps and its
        priority (also while it runs). A job paused for a cap goes on when that is raised: ask the user first."""
        service = await self._service()
        return result(
            await service.control_job(
                job_id,
                action,
                max_concurrency=max_concurrency,
                budget_usd=budget_usd,
                unit_budget_usd=unit_budget_usd,
                max_total_tokens=max_total_tokens,
                max_units=max_units,
                max_wall_s=max_wall_s,
                breaker=breaker,
                priority=priority,
                drain=drain,
                remove=remove,
                why=why,
            )
        )

    async def cancel_job(self, job_id: JobId, why: Why = None) -> Annotated[CallToolResult, answers.ControlledJob]:
        """End a job. Running agents are stopped within seconds; what is final stays. Ask the user first."""
        return result(await (await self._service()).cancel_job(job_id, why=why))

    async def cancel_units(
        self, job_id: JobId, keys: Keys, why: Why = None
    ) -> Annotated[CallToolResult, answers.ControlledJob]:
        """Cancel some units of a job; they are not run again by themselves."""
        return result(await (await self._service()).cancel_units(job_id, keys, why=why))

    async def retry_units(
        self,
        job_id: JobId,
        status: Annotated[str | None, Field(description="failed (default), flagged, cancelled or skipped")] = None,
        signature: Annotated[str | None, Field(description="Of one group of failures, as get_status gives it")] = None,
        keys: Annotated[list[str] | None, Field(max_length=10_000, description="Or these units")] = None,
        instructions: Annotated[
            str | None, Field(min_length=1, max_length=50_000, description="Added to the job's own for these units")
        ] = None,
        continue_session: Annotated[
            bool, Field(description="Go on in each unit's last conversation instead of a new one")
        ] = False,
        why: Why = None,
    ) -> Annotated[CallToolResult, answers.ControlledJob]:
        """Run final units again, with all their attempts: one group of failures, one status, or some keys. A job
        that has ended runs again. Spends money: ask the user first."""
        service = await self._service()
        which = {"status": status, "signature": signature, "keys": keys}
        how = {"instructions": instructions, "continue_session": continue_session, "why": why}
        return result(await service.retry_units(job_id, **which, **how))  # type: ignore[arg-type]

    async def delete_job(self, job_id: JobId, why: Why = None) -> Annotated[CallToolResult, answers.DeletedJob]:
        """Delete a job with its units, results, events and files, for good. Ask the user first. Cancel it before if it
        runs."""
        return result(await (await self._service()).delete_job(job_id, why=why))
