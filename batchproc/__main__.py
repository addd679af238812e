"""The `batchproc` command: the CLI, the demo, which is a client of the whole product, and the dashboard's server."""

import sys
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    try:
        from batchproc.interfaces import cli  # here, since who presses Ctrl-C at once presses it while this is read

        sys.exit(cli.main(sys.argv[1:], demo=_demo, serve=_serve))
    except KeyboardInterrupt:
        sys.exit(130)


def _demo(*, rehearsal: bool) -> int:
    from batchproc import demo

    return demo.main(rehearsal=rehearsal)


async def _serve(*, port: int | None, socket: Path | None, at_terminal: bool, said: Callable[[str], None]) -> str:
    from batchproc import settings
    from batchproc.interfaces import http_serving

    where = http_serving.Where(port=port, socket=socket)
    return await http_serving.serve(settings.load(), where, said, at_terminal=at_terminal)


if __name__ == "__main__":
    main()
