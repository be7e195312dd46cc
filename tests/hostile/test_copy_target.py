"""The whole list goes to the target of `news db copy`: no branch names it, and no password is shown."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from newsletter.cli.main import main
from newsletter.config import loader
from newsletter.errors import ConfigError
from tests import samples

TARGET = "postgresql://news:s3cret@127.0.0.1:1/news"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("CI", "NEWS_DATABASE_URL", "NEWS_DATABASE_URL_TO"):
        monkeypatch.delenv(variable, raising=False)
    return samples.write(tmp_path)


def copy(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["-C", str(folder), "db", "copy", "--yes", *arguments])
    assert result.exit_code == 1
    return result.output


def test_the_env_of_a_branch_does_not_direct_the_list(folder: Path) -> None:
    (folder / ".env").write_text(f"NEWS_DATABASE_URL_TO={TARGET}\n")
    assert "no database is named to copy to" in copy(folder)
    state = loader.load(folder, {}).state
    state.mkdir(mode=0o700, exist_ok=True)
    (state / "env").write_text(f"NEWS_DATABASE_URL_TO={TARGET}x\n")
    target = loader.load(folder, {}).copy_target
    assert target and target.get_secret_value() == f"{TARGET}x"


def test_a_password_is_shown_nowhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "s3cret" not in copy(folder, "--to", TARGET)
    monkeypatch.setenv("NEWS_DATABASE_URL_TO", TARGET)
    refused = copy(folder)
    assert "check NEWS_DATABASE_URL_TO" in refused and "s3cret" not in refused
    assert "s3cret" not in repr(loader.load(folder, {"NEWS_DATABASE_URL_TO": TARGET}))
    with pytest.raises(ConfigError, match="invisible character"):
        loader.load(folder, {"NEWS_DATABASE_URL_TO": f"{TARGET}\n&x=1"})


def test_a_link_in_the_place_of_the_state_s_database_is_not_followed(folder: Path) -> None:
    private = folder.parent / f"{folder.name}-private"
    newsletter = loader.load(folder, {"NEWS_DATABASE_URL": f"sqlite:///{folder}/used.db"})
    newsletter.state.mkdir(mode=0o700, exist_ok=True)
    (newsletter.state / "news.db").symlink_to(private)
    (newsletter.state / "env").write_text(f"NEWS_DATABASE_URL=sqlite:///{folder}/used.db\n")
    assert "news.db" in copy(folder, "--to", str(newsletter.state / "news.db"))
    assert not private.exists()
