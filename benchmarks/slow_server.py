"""The server of `sign_ups.py`: `python benchmarks/slow_server.py FOLDER COMMIT_MS`.

It serves a newsletter with a commit that takes longer. It prints its port, and when the standard input ends,
what the database has.
"""

import json
import resource
import sys
import threading
import time
from pathlib import Path

import uvicorn
from sqlalchemy import event, func, select

from newsletter.network.listening import listen
from newsletter.store.schema import service_mail_table, sign_up_table
from newsletter.web.app import app
from newsletter.web.public_address import public_address
from newsletter.web.server import open_context
from tests import samples

_CONFIG = """\
serve: {rate: 999k/s, rate_per_network: 999k/s}
"""


def main(folder: Path, commit_seconds: float) -> None:
    newsletter = samples.newsletter(folder, extra=_CONFIG, unsubscribe="http://127.0.0.1/unsubscribe/{token}")
    commits = 0

    def slow_commit(connection: object) -> None:
        nonlocal commits
        commits += 1
        time.sleep(commit_seconds)

    with open_context(newsletter, public_address(newsletter, 8080)) as shared:
        event.listen(shared.database._engine, "commit", slow_commit)
        server = uvicorn.Server(
            uvicorn.Config(app(shared), log_config=None, access_log=False, lifespan="off")
        )
        listening = listen("127.0.0.1", 0, default_port=8080)
        print(listening.getsockname()[1], flush=True)
        threading.Thread(target=_stop_after_input, args=[server], daemon=True).start()
        server.run([listening])
        with shared.database.reading() as connection:
            counts = {
                name: connection.scalar(select(func.count()).select_from(table))
                for name, table in (("sign_ups", sign_up_table), ("mails", service_mail_table))
            }
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    print(json.dumps({**counts, "commits": commits, "cpu": cpu, "peak": usage.ru_maxrss}))


def _stop_after_input(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) / 1000)
