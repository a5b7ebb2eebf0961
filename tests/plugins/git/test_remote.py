"""Which urls are accepted, and what is left of them."""

from __future__ import annotations

import pytest

from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._remote import Credentials, Remote, parse_url, without_credentials


@pytest.mark.parametrize(
    ("text", "remote", "credentials"),
    [
        pytest.param(
            " https://example.org/a/b.git ",
            Remote("https://example.org/a/b.git", "https", "example.org"),
            None,
            id="https",
        ),
        pytest.param(
            "HTTPS://Example.org:8443/x?y#z",
            Remote("https://Example.org:8443/x?y#z", "https", "example.org:8443"),
            None,
            id="port",
        ),
        pytest.param(
            "https://u%40x:p%3A%2F@example.org/x",
            Remote("https://example.org/x", "https", "example.org"),
            Credentials("u@x", "p:/"),
            id="credentials, quoted",
        ),
        pytest.param(
            "https://u:p@ss@example.org/x@y",
            Remote("https://example.org/x@y", "https", "example.org"),
            Credentials("u", "p@ss"),
            id="credentials with an at sign",
        ),
        pytest.param(
            "https://token@example.org/x",
            Remote("https://example.org/x", "https", "example.org"),
            Credentials("token", ""),
            id="token as user name",
        ),
        pytest.param(
            "https://@example.org/x", Remote("https://example.org/x", "https", "example.org"), None, id="empty user"
        ),
        pytest.param("http://[::1]:80/x", Remote("http://[::1]:80/x", "http", "[::1]:80"), None, id="address"),
        pytest.param(
            "ssh://git@example.org:22/x", Remote("ssh://git@example.org:22/x", "ssh", "example.org:22"), None, id="ssh"
        ),
        pytest.param(
            "git@example.org:a/b.git", Remote("git@example.org:a/b.git", "ssh", "example.org"), None, id="scp-like"
        ),
        pytest.param("file:///srv/x.git", Remote("file:///srv/x.git", "file", ""), None, id="file"),
    ],
)
def test_parse(text: str, remote: Remote, credentials: Credentials | None) -> None:
    """A url is taken to pieces; what remains of it is free of user names and passwords, but for the ssh user."""
    assert (remote, credentials) == parse_url(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is no url", id="empty"),
        pytest.param("--upload-pack=touch x", "is no url", id="option"),
        pytest.param("-oProxyCommand=x:y", "is no url", id="option with a colon"),
        pytest.param("ext::sh", "is no url", id="transport helper"),
        pytest.param("ext::https://example.org/x", "is no url", id="transport helper with a url"),
        pytest.param("ext://x", "the protocol 'ext' is not allowed", id="transport by name"),
        pytest.param("git://example.org/x", "the protocol 'git' is not allowed", id="git"),
        pytest.param("ftp://example.org/x", "the protocol 'ftp' is not allowed", id="ftp"),
        pytest.param("https://example.org/x\nhost=evil", "is no url", id="line break"),
        pytest.param("https://example.org", "is no url", id="no path"),
        pytest.param("https:///x", "is no url", id="no host"),
        pytest.param("https://example.org:port/x", "is no url", id="no port"),
        pytest.param("https://-host/x", "is no url", id="host like an option"),
        pytest.param("ssh://-oProxyCommand=x/y", "is no url", id="ssh host like an option"),
        pytest.param("ssh://-ox@host/y", "a password, which ssh", id="ssh user like an option"),
        pytest.param("ssh://u:secret@host/y", "a password, which ssh", id="ssh password"),
        pytest.param(
            "ssh://evil%2F@host/y", "write the user and the host as they are", id="ssh host hidden in the user"
        ),
        pytest.param("ssh://git@ho%73t/y", "write the user and the host as they are", id="ssh host in disguise"),
        pytest.param("git@host:-x", "is no url", id="path like an option"),
        pytest.param("file://host/x", r"write file:///path", id="file on a host"),
        pytest.param("/srv/x.git", r"write file:///srv/x\.git", id="path"),
        pytest.param("../x", "write https://", id="relative path"),
        pytest.param("https://u:secret@ex ample.org/x", "'https://ex ample", id="no url, with a password"),
    ],
)
def test_refused(text: str, message: str) -> None:
    """What is no url of an allowed protocol is refused, and its password is not repeated."""
    with pytest.raises(TaskFailed, match=message) as caught:
        parse_url(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param("git@host:a", "ssh://git@HOST/b", True, id="both forms of ssh"),
        pytest.param("git@host:a", "ssh://me@host:22/b", True, id="usual port"),
        pytest.param("ssh://host:2222/a", "ssh://host:2222/b", True, id="own port"),
        pytest.param("ssh://host:2222/a", "ssh://host/b", False, id="another port"),
        pytest.param("ssh://[::1]:22/a", "ssh://[::1]/b", True, id="address"),
        pytest.param("https://host:443/a", "https://host/b", True, id="usual port of https"),
        pytest.param("https://host/a", "http://host/b", False, id="another protocol"),
        pytest.param("git@host:a", "git@host.example.org:a", False, id="another host"),
        pytest.param("git@host:a", "ssh://git@evil@host/a", True, id="user with an at sign"),
    ],
)
def test_same_server(one: str, other: str, expected: bool) -> None:  # noqa: FBT001 - rows
    """Credentials go to whoever has the same protocol, host and port; the forms of a url do not matter."""
    assert expected is parse_url(one)[0].is_same_server(parse_url(other)[0])


def test_repr() -> None:
    """Credentials do not show in the text of their objects."""
    assert "Credentials()" == repr(Credentials("user", "secret"))


def test_without_credentials() -> None:
    """Credentials are cut out of every url in a text."""
    text = "fatal: 'https://u:p@a.org/x' and http://t@b.org:1/y but not a@b.org"
    assert "fatal: 'https://a.org/x' and http://b.org:1/y but not a@b.org" == without_credentials(text)
