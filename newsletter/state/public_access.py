"""Find out whether everybody can read a remote, without credentials."""

from dataclasses import replace

from newsletter.state.git_remote import GitRemote

_CREDENTIALS = ("GIT_CONFIG_", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_SSH", "XDG_CONFIG_HOME")


def is_public(remote: GitRemote) -> bool:
    """Return True if the host of a remote gives its content over https to somebody without credentials.

    Return False for a remote in a folder, and for one that cannot be asked like this.
    """
    if remote.name.startswith("/"):
        return False
    url = f"https://{remote.name}"
    with remote.temporary_objects() as empty_folder:
        environment = {
            name: value for name, value in remote.environment.items() if not name.startswith(_CREDENTIALS)
        }
        # Without the user's configuration and .netrc, and without a header that a checkout has left.
        environment["HOME"] = str(empty_folder)
        anonymous = replace(remote, url=url, environment=environment)
        host = remote.name.partition("/")[0]
        settings = ("-c", "credential.helper=", "-c", f"http.https://{host}/.extraheader=")
        return anonymous.run(*settings, "ls-remote", "--", url, "HEAD").code == 0
