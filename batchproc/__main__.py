"""The `batchproc` command: the CLI, the demo, which is a client of the whole product, and the dashboard's server."""

import sys
from collections.abc import Callable
from pathlib import Path

from batchproc.interfaces import cli


def main() -> None:
    try:
        sys.exit(cli.main(sys.argv[1:], demo=_demo, serve=_serve))
    except KeyboardInterrupt:
        sys.exit(130)


def _demo(*, rehearsal: bool) -> int:
    from batchproc import demo

    return demo.main(rehearsal=rehearsal)


async def _serve(*, port: int | None, socket: Path | None, said: Callable[[str], None]) -> str:
    from batchproc import settings
    from batchproc.interfaces import http_serving

    return await http_serving.serve(settings.load(), http_serving.Where(port=port, socket=socket), said)


if __name__ == "__main__":
    main()
