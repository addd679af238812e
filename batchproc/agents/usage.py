"""What the CLI's frames say of tokens and dollars: of one request, of all answers, of the bill. Pure."""

from collections.abc import Mapping

from batchproc import prices
from batchproc.agents.sayings import Frame
from batchproc.models import Tokens


def size(usage: Frame) -> int:
    """Tokens that one request read."""
    return sum(int(usage.get(f"{kind}input_tokens") or 0) for kind in ("", "cache_read_", "cache_creation_"))


def read(usage: Frame, model: str) -> dict[str, float]:
    """Tokens of one request, by what they cost: anew, from the cache, into it; and dollars, of a model whose price is
    known. Empty if there were none."""
    kinds = {
        "tokens": "input_tokens",
        "cache_read": "cache_read_input_tokens",
        "cache_write": "cache_creation_input_tokens",
    }
    found = {name: count for name, kind in kinds.items() if (count := int(usage.get(kind) or 0))}
    price = prices.known(model) if found else None
    usd = price.reading_usd(**found) if price else 0.0
    return {**found, "usd": round(usd, 9)} if usd else {**found}


def _models(bill: Frame) -> list[Frame]:
    """What each model did for this attempt alone: a conversation that goes on brings its earlier bills along."""
    usage = bill.get("model_usage_since_last_result", bill.get("modelUsage")) or {}
    return [one for one in usage.values() if isinstance(one, dict)]


def cost(bill: Frame) -> float:
    if "model_usage_since_last_result" in bill:
        return float(sum(model.get("costUSD") or 0.0 for model in _models(bill)))
    return float(bill.get("total_cost_usd") or 0.0)


def billed(bill: Frame) -> Tokens:
    """All models of the run, as the cost counts them; `usage` alone would leave out the CLI's side calls."""
    models = _models(bill)
    if not models:
        return counted({"": bill.get("usage") or {}})
    return Tokens(
        input=sum(int(m.get("inputTokens") or 0) for m in models),
        output=sum(int(m.get("outputTokens") or 0) for m in models),
        cache_read=sum(int(m.get("cacheReadInputTokens") or 0) for m in models),
        cache_write=sum(int(m.get("cacheCreationInputTokens") or 0) for m in models),
    )


def counted(calls: Mapping[str, Frame]) -> Tokens:
    """What the answers said of themselves. The output is a lower bound: a frame holds only its first count."""
    return Tokens(
        input=sum(int(u.get("input_tokens") or 0) for u in calls.values()),
        output=sum(int(u.get("output_tokens") or 0) for u in calls.values()),
        cache_read=sum(int(u.get("cache_read_input_tokens") or 0) for u in calls.values()),
        cache_write=sum(int(u.get("cache_creation_input_tokens") or 0) for u in calls.values()),
    )
