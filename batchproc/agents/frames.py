"""What the CLI's stream comes to. Pure: a raw frame in, messages out, and at the end a report."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from batchproc.agents import sayings, usage
from batchproc.agents.sayings import Frame
from batchproc.models import Json, Message, Report

_SYNTHETIC = "<synthetic>"  # the model that the CLI's own error answers name
_STOPPED = frozenset({"timeout", "stalled", "interrupted"})
_REFUSED = frozenset({401, 403})
_LIMITED = frozenset({429, 529})
_LONG_WAIT_MS = 5_000  # the CLI would wait so long for a limit with a slot in its hands: the supervisor waits better
_CUT = (
    "Output token limit hit."  # with these words the CLI asks for the rest of an answer; its result is then only that
)
_ANSWERED = frozenset({"text", "thinking", "tool_use"})
_ANSWER_TOOL = "StructuredOutput"  # how a schema's answer is given: not a deed


@dataclass(slots=True)
class Tally:
    """Adds up frames until the final bill. `add` returns what they say; `report` what it all came to."""

    bill: Frame | None = None
    calls: dict[str, Frame] = field(default_factory=dict)  # usage of each model answer, by its id
    retries: list[tuple[int | None, str]] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)  # tool by tool_use_id
    answered: set[str] = field(default_factory=set)  # tool_use_ids whose result is there
    unrun: set[str] = field(default_factory=set)  # tool_use_ids that were refused before they ran
    denied: dict[str, str] = field(default_factory=dict)
    api_error: str | None = None
    api_error_status: int | None = None
    session_id: str | None = None
    done: set[str] = field(default_factory=set)  # tool_use_ids that gave back something but an error
    limit: Frame | None = None  # the rejected limit of a subscription
    waits_ms: float = 0.0  # what the CLI announced to wait for a limit
    parts: list[str] = field(default_factory=list)  # of an answer that the CLI asked for in pieces
    said: str = ""
    draft: Json = None  # the structured answer that was tried last
    lacks: str = ""  # MCP servers of the job that did not start
    read: dict[str, float] = field(default_factory=dict)  # by the model answer that came last, until that is told

    @property
    def refused(self) -> bool:
        """The API does not take the credential; or it has no room for long, and nothing was done yet. The CLI would ask
        again for minutes; nobody should wait for that with a slot in his hands."""
        if any(status in _REFUSED for status, _ in self.retries):
            return True
        return self.waits_ms > _LONG_WAIT_MS and not self.calls and self.retries[-1][0] in _LIMITED

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be waited for: the bill is there, or there is nothing to be billed."""
        return self.bill is not None or (self.refused and not self.calls)

    @property
    def waits_for_tool(self) -> bool:
        """Whether the agent's own tool is at work: silence is then no sign of a stall."""
        return bool(self.asked.keys() - self.answered)

    def add(self, frame: Frame) -> list[Message]:
        """Every message is at most `sayings.LARGEST` bytes of JSON."""
        self.session_id = frame.get("session_id") or self.session_id
        match frame.get("type"):
            case "assistant":
                self._add_answer(frame)
            case "user":
                self._add_results(frame)
            case "system":
                self._add_system(frame)
            case "rate_limit_event" if (frame.get("rate_limit_info") or {}).get("status") == "rejected":
                self.limit = frame["rate_limit_info"]
            case "result" if (frame.get("origin") or {}).get("kind") != "task-notification":
                self.bill = frame
                for denial in frame.get("permission_denials") or ():
                    self._deny(denial)
        return [Message(kind=kind, data=sayings.fit(data | self._read_by(kind))) for kind, data in sayings.say(frame)]

    def _read_by(self, kind: str) -> dict[str, Json]:
        """What the first thing of a model answer adds: the tokens that it read, and their cost. How many it wrote is
        not known yet."""
        if kind not in _ANSWERED or not self.read:
            return {}
        read, self.read = self.read, {}
        return {"read": read}

    def report(self, ended: str, *, duration_s: float, detail: str = "", subtype: str = "") -> Report:
        """The bill, and what was counted on the way to it. Without a bill the cost is unknown and says 0; an
        attempt that the API refused cost nothing."""
        bill = _answered_in_full(self.bill or {}, self.said)
        refused = self.refused and bill.get("subtype") in (None, "error_during_execution")
        return Report(
            ended=ended,
            text=sayings.clean("".join([*self.parts, str(bill.get("result") or "")])),
            output=json.loads(sayings.clean(json.dumps(bill.get("structured_output"), ensure_ascii=False))),
            draft=self._draft(bill),
            subtype=bill.get("subtype") or subtype,
            **self._trouble(bill, refused),
            billed=self.is_over,
            cut_off=ended in _STOPPED and self.bill is not None and not self.waits_for_tool,
            largest_request=max(map(usage.size, self.calls.values()), default=0),
            limited=self.limit is not None and (self.bill is None or bool(bill.get("is_error"))),
            limit_until=self._limit_until(refused),
            tools_done=len(self.done),
            stop_reason=bill.get("stop_reason"),
            cost_usd=usage.cost(bill),
            tokens=usage.billed(bill) if bill else usage.counted(self.calls),
            turns=int(bill.get("num_turns") or 0),
            api_calls=len(self.calls),
            api_retries=tuple(self.retries),
            tools_run=len(self.asked.keys() - self.unrun),
            denied_tools=tuple(dict.fromkeys(self.denied.values())),
            session_id=self.session_id,
            duration_s=duration_s,
            detail=self._detail(detail, bill),
        )

    def _trouble(self, bill: Frame, refused: bool) -> dict[str, Any]:
        """What the API or the CLI had against it."""
        if refused:
            status, said = self.retries[-1]
            return {"is_error": True, "api_error_status": status, "api_error": said, "terminal_reason": "api_error"}
        return {
            "is_error": bool(bill.get("is_error")),
            "api_error_status": bill.get("api_error_status") or self.api_error_status,
            "api_error": self.api_error or bill.get("api_error_type"),
            "terminal_reason": bill.get("terminal_reason"),
        }

    def _draft(self, bill: Frame) -> str:
        if self.draft is None or bill.get("structured_output") is not None:
            return ""
        return sayings.clean(json.dumps(self.draft, ensure_ascii=False))

    def _detail(self, detail: str, bill: Frame) -> str:
        lack = f"an MCP server of the job did not start: {self.lacks}" if self.lacks else ""
        errors = "; ".join(str(error) for error in bill.get("errors") or ())
        return sayings.clean("; ".join(part for part in (detail, lack, errors) if part))

    def _limit_until(self, refused: bool) -> float | None:
        if self.limit is not None:
            return _moment(self.limit.get("resetsAt"))
        return time.time() + self.waits_ms / 1000 if refused and self.waits_ms else None

    def _add_answer(self, frame: Frame) -> None:
        message = frame.get("message") or {}
        if message.get("model") != _SYNTHETIC:
            if str(message.get("id")) not in self.calls:
                self.read = usage.read(message.get("usage") or {}, str(message.get("model")))
            self.calls[str(message.get("id"))] = message.get("usage") or {}
        if frame.get("error"):
            self.api_error = str(frame["error"])
            self.api_error_status = frame.get("api_error_status")
        if frame.get("error") == "max_output_tokens":
            self.api_error = "max_output_tokens"
        for block in sayings.blocks(message):
            if block.get("type") == "tool_use" and block.get("name") == _ANSWER_TOOL:
                self.draft = block.get("input")
            elif block.get("type") == "tool_use":
                self.asked[str(block.get("id"))] = str(block.get("name"))
            if block.get("type") == "text" and not frame.get("parent_tool_use_id"):
                self.said = str(block.get("text") or "")

    def _add_results(self, frame: Frame) -> None:
        """A tool that does not exist, or whose input is wrong, did not run: only its result's text says so."""
        for block in sayings.blocks(frame.get("message") or {}):
            if block.get("type") == "text" and frame.get("isSynthetic") and str(block["text"]).startswith(_CUT):
                self.parts.append(self.said)
            if block.get("type") != "tool_result":
                continue
            used = str(block.get("tool_use_id"))
            self.answered.add(used)
            if str(block.get("content")).startswith("<tool_use_error>"):
                self.unrun.add(used)
            elif used in self.asked and not block.get("is_error"):
                self.done.add(used)

    def _add_system(self, frame: Frame) -> None:
        if frame.get("subtype") == "init":
            servers = [one for one in frame.get("mcp_servers") or () if one.get("status") == "failed"]
            self.lacks = ", ".join(str(one.get("name")) for one in servers)
        if frame.get("subtype") == "api_retry":
            self.retries.append((frame.get("error_status"), str(frame.get("error") or "")))
            self.waits_ms = float(frame.get("retry_delay_ms") or 0)
        elif frame.get("subtype") == "permission_denied":
            self._deny(frame)

    def _deny(self, denial: Frame) -> None:
        self.denied[str(denial.get("tool_use_id"))] = str(denial.get("tool_name"))
        self.unrun.add(str(denial.get("tool_use_id")))


def _answered_in_full(bill: Frame, said: str) -> Frame:
    """The CLI calls an answer that crossed the cap of its attempt an error. It is whole, and paid: it counts."""
    whole = bill.get("subtype") == "error_max_budget_usd" and bill.get("stop_reason") == "end_turn" and said
    return {**bill, "subtype": "success", "is_error": False, "result": said} if whole else bill


def _moment(said: object) -> float | None:
    """Seconds since 1970, if that is what was said; milliseconds are taken for what they are."""
    if not isinstance(said, int | float) or not 0 < said < 1e14:
        return None
    return said / 1000 if said > 1e11 else float(said)
