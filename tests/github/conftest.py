from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.sendgrid import SendGridFake
from tests.forks import ForkServer
from tests.machines import Machines
from tests.merges import NewRunner
from tests.runner import Runner


@pytest.fixture
def fake() -> Iterator[SendGridFake]:
    with SendGridFake() as service:
        yield service


@pytest.fixture
def machines(tmp_path: Path, fake: SendGridFake) -> Machines:
    return Machines.through(fake, tmp_path)


@pytest.fixture
def new_runner(machines: Machines, fake: SendGridFake, forks: ForkServer) -> NewRunner:
    """Make a runner, which has the files of `main`, the secrets, and no bash, if nothing else is said."""
    numbers = iter(range(1, 100))

    def make(**options: object) -> Runner:
        values = {
            "secrets.NEWS_STATE_KEY": machines.key.text,
            "secrets.SENDGRID_API_KEY": fake.key,
            "vars.SENDGRID_HOST": "127.0.0.1",
            "github.token": "ghs_example",
            "inputs.issue": "2026-04-27",
            **options.pop("values", {}),  # type: ignore[dict-item]
        }
        folder = machines.folder / f"runner-{next(numbers)}"
        return Runner(folder, machines.origin, values, **{"forks": forks, **options})  # type: ignore[arg-type]

    return make
