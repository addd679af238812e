"""The `batchproc` command: the CLI, and the demo, which is a client of the whole product."""

import sys

from batchproc.interfaces import cli


def main() -> None:
    try:
        sys.exit(cli.main(sys.argv[1:], demo=_demo))
    except KeyboardInterrupt:
        sys.exit(130)


def _demo(*, rehearsal: bool) -> int:
    from batchproc import demo

    return demo.main(rehearsal=rehearsal)


if __name__ == "__main__":
    main()
