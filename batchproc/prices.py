"""Pure: what a model's tokens cost, as the CLI (2.1.330) prices them, an estimate and not a bill; and money in words.

Measured: `total_cost_usd` of one request with a million tokens of each kind, for each model. A name that the CLI does
not know is priced like its default model; here like the dearest of the table, because this is used to reserve money.
"""

from dataclasses import dataclass

from batchproc.models import REHEARSAL

MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """US dollars for a million tokens. A prompt of more than 100,000 tokens costs `long` times as much. What of it
    comes from the cache costs that part (`cached`) of the price of reading, and what goes there a quarter more."""

    read: float
    write: float
    long: float = 1.0
    cached: float = 0.1

    def request_usd(self, *, read: float, written: float) -> float:
        """The most that one request can cost: everything that it reads is written to the cache, at a quarter more than
        the price of reading it."""
        return self._factor(read) * (read * 1.25 * self.read + written * self.write) / MILLION

    def reading_usd(self, *, tokens: int = 0, cache_read: int = 0, cache_write: int = 0) -> float:
        """What one request costs for what it reads: anew, from the cache, into it."""
        factor = self._factor(tokens + cache_read + cache_write)
        return factor * self.read * (tokens + self.cached * cache_read + 1.25 * cache_write) / MILLION

    def _factor(self, read: float) -> float:
        return self.long if read > 100_000 else 1.0


FREE = Price(read=0.0, write=0.0)
OPUS, SONNET = Price(read=4, write=20, cached=0.05), Price(read=2, write=10, cached=0.05)
HAIKU = Price(read=0.1, write=0.5, long=5)
DEAREST = Price(read=5, write=25)

PRICES = {
    REHEARSAL: FREE,
    "opus": OPUS,
    "sonnet": SONNET,
    "haiku": HAIKU,
    "claude-opus-5-5": OPUS,
    "claude-sonnet-5-5": SONNET,
    "claude-haiku-5-5": HAIKU,
    "claude-opus-4-5": DEAREST,
    "claude-sonnet-4-5": Price(read=3, write=15),
    "claude-haiku-4-5": Price(read=1, write=5),
    "claude-3-5-haiku-latest": Price(read=0.8, write=4),
}


def price_of(model: str | None) -> Price:
    """By the name that the job asks for; None is the CLI's default model."""
    return OPUS if model is None else known(model) or DEAREST


def known(model: str) -> Price | None:
    """Of a name of the table; dated names are priced like their family."""
    if model in PRICES:
        return PRICES[model]
    family = max((name for name in PRICES if model.startswith(f"{name}-")), key=len, default=None)
    return PRICES[family] if family else None


def dollars(amount: float) -> str:
    """`$5.00`; of less than a dollar up to four digits, so that a little is not told as nothing: `$0.0012`."""
    if amount >= 1 or amount == 0:
        return f"${amount:.2f}"
    if amount < 0.0001:
        return "less than $0.0001"
    digits = f"{amount:.4f}"
    return f"${digits[:-2]}{digits[-2:].rstrip('0')}"
