"""Cloning a repository into a directory that may hold other files already."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import TaskLog, Workspace
from wdprefect.model.stop import Stop
from wdprefect.plugins.git._certificates import trust
from wdprefect.plugins.git._checkout import check_out
from wdprefect.plugins.git._credentials import credential_settings
from wdprefect.plugins.git._program import GitProgram, git_environment
from wdprefect.plugins.git._references import (
    ALL_BRANCHES,
    ALL_TAGS,
    References,
    Wanted,
    ask,
    want_branch,
    want_commit,
    want_tag,
)
from wdprefect.plugins.git._remote import Credentials, Remote, parse_url
from wdprefect.plugins.git._repository import Repository, check_settings, create, fetch, write_settings
from wdprefect.plugins.git._ssh import SshLogin, SshOptions, checked, ssh_login
from wdprefect.plugins.git._submodules import Submodule, submodules

_SHA256_LENGTH = 64


@dataclass(frozen=True, slots=True)
class CloneOptions:
    """What to clone, and how; blank texts count as not set, and `commit` wins over `tag`, `tag` over `branch`.

    url: http, https, ssh, `git@host:path` or `file://`; credentials in it are used and not kept.
    depth: how many commits of history; not applied to a commit or a tag. None is all.
    trusted_certificates: a PEM file, for all hosts of this clone, besides what is trusted already.
    git_config: settings for the repository's config; those that decide how files are written act on this clone.
    connect_timeout, read_timeout: together the time for the remote's first answer; read_timeout alone is how long a
    transfer over http may stand still.
    """

    url: str = field(repr=False)
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    depth: int | None = None
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    ssh: SshOptions = field(default_factory=SshOptions)
    trusted_certificates: Path | None = None
    no_proxy: bool = False
    clone_submodules: bool = False
    all_branches: bool = False
    no_tags: bool = False
    git_config: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    connect_timeout: timedelta = timedelta(seconds=10)
    read_timeout: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Cloned:
    """The commit that was checked out, and the branch, unless a tag or a commit was asked for."""

    commit: str
    branch: str | None


def clone(options: CloneOptions, target: Path, workspace: Workspace, log: TaskLog, stop: Stop) -> Cloned:
    """Check out a repository in `target`, which is made when it is missing and may hold other files.

    Those stay. A file that the repository has with other content fails the clone before anything is written. A `.git`
    that is there already is always replaced and never used, since its settings and hooks could run programs: it may
    have come with the inputs. So a second clone into one directory fetches anew; it replaces and removes the files of
    the first one that nobody has changed, and leaves the directory at the remote's tip.

    Git runs without prompts, hooks, filters (files of Git LFS stay pointers), the settings of the machine and of the
    user, and with the protocols http, https, ssh and file only; a submodule may be a `file://` one only where the
    repository is. Credentials and the ssh key go to the url's host and nowhere else. Nothing of the clone is left in
    the scratch directory of `workspace`. Raises TaskFailed, also when `stop` ended it.
    """
    options = _checked(options)
    remote, credentials = _who(options)
    log.write("INFO", f"cloning '{remote.url}'")
    _warn(options.ssh, remote, log)
    try:
        with _bench(options, remote, credentials, workspace, stop) as bench:
            cloned = _clone_remote(bench, target, log)
    except OSError as error:
        raise TaskFailed(f"cloning '{remote.url}' failed: {error.strerror}: '{error.filename}'") from error
    return cloned


@dataclass(frozen=True, slots=True)
class _Bench:
    """Git with its settings, and a private directory that is removed when the clone is over."""

    options: CloneOptions
    git: GitProgram
    directory: Path
    credentials: Credentials | None
    ssh: SshLogin

    def place(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.directory))


@contextmanager
def _bench(
    options: CloneOptions, remote: Remote, credentials: Credentials | None, workspace: Workspace, stop: Stop
) -> Iterator[_Bench]:
    with (
        tempfile.TemporaryDirectory(prefix="git-", dir=workspace.scratch, ignore_cleanup_errors=True) as name,
        credential_settings(remote, credentials, Path(name)) as settings,
    ):
        ssh = ssh_login(remote, options.ssh, options.connect_timeout, Path(name), stop)
        # An empty one counts more than those of the environment.
        proxy = {"http.proxy": ""} if options.no_proxy else {}
        environment = git_environment(remote, {**settings, **proxy}, options.read_timeout)
        environment |= trust(options.trusted_certificates, Path(name))
        # Where git looks for a repository by itself it stops here.
        environment["GIT_CEILING_DIRECTORIES"] = str(Path(name).resolve())
        git = GitProgram(remote, credentials, ssh.access_to(remote), environment, stop, workspace)
        yield _Bench(options, git, Path(name), credentials, ssh)


def _checked(options: CloneOptions) -> CloneOptions:
    options = replace(
        options,
        branch=_set(options.branch),
        tag=_set(options.tag),
        commit=_set(options.commit),
        username=_set(options.username),
        password=_set(options.password),
        ssh=checked(options.ssh),
    )
    if options.tag and options.no_tags:
        raise TaskFailed("'tag' cannot be used with 'noTags: true'")
    if options.depth is not None and options.depth < 1:
        raise TaskFailed(f"'depth' must be at least 1, not {options.depth}")
    check_settings(options.git_config)
    return options


def _set(text: str | None) -> str | None:
    return text.strip() or None if text else None


def _who(options: CloneOptions) -> tuple[Remote, Credentials | None]:
    remote, found = parse_url(options.url)
    if options.username or options.password:
        found = Credentials(options.username or "", options.password or "")
    return remote, found


def _warn(ssh: SshOptions, remote: Remote, log: TaskLog) -> None:
    if remote.protocol != "ssh" and ssh.private_key is not None:
        log.write("WARN", f"'privateKey' is not used: '{remote.url}' is no url of ssh")
    if remote.protocol == "ssh" and not ssh.checks_host_key:
        log.write(
            "WARN", f"the ssh host key of '{remote.host}' is not checked: whoever answers in its place is believed"
        )


def _clone_remote(bench: _Bench, target: Path, log: TaskLog) -> Cloned:
    options, git = bench.options, bench.git
    references = ask(git, bench.place(), options.connect_timeout + options.read_timeout)
    wanted = _want(options, references, git.remote.url)
    repository, commit = _materialize(bench, git, wanted, target, references.object_format)
    log.write("INFO", f"checked out {wanted.label} at {commit}")
    if options.clone_submodules:
        _clone_submodules(bench, repository, log)
    write_settings(repository, options.git_config, early=False)
    return Cloned(commit, wanted.branch)


def _want(options: CloneOptions, references: References, url: str) -> Wanted:
    if options.commit:
        return want_commit(options.commit)
    if options.tag:
        wanted = want_tag(options.tag, references, url)
    else:
        wanted = want_branch(options.branch, options.depth, references, url)
    if not options.all_branches:
        return wanted
    every = (ALL_BRANCHES,) if options.no_tags else (ALL_BRANCHES, ALL_TAGS)
    return replace(wanted, refspecs=tuple({*every, *wanted.refspecs} if options.tag else every))


def _materialize(
    bench: _Bench, git: GitProgram, wanted: Wanted, target: Path, object_format: str
) -> tuple[Repository, str]:
    target.mkdir(parents=True, exist_ok=True)
    repository = create(git, bench.place(), target, wanted, object_format)
    write_settings(repository, bench.options.git_config, early=True)
    commit = fetch(repository, wanted, tags=not bench.options.no_tags)
    return check_out(repository, commit, wanted.branch, wanted.depth), commit


def _clone_submodules(bench: _Bench, repository: Repository, log: TaskLog) -> None:
    """Clone each submodule by the rules of the repository itself, and theirs in turn."""
    for submodule in submodules(repository):
        try:
            _clone_submodule(bench, submodule, repository.work_tree / submodule.path, log)
        except TaskFailed as error:
            raise TaskFailed(f"submodule '{submodule.path}': {error}", exit_status=error.exit_status) from error


def _clone_submodule(bench: _Bench, submodule: Submodule, target: Path, log: TaskLog) -> None:
    git = _git_for(bench, submodule)
    log.write("INFO", f"cloning the submodule '{submodule.path}' from '{git.remote.url}'")
    wanted = want_commit(submodule.commit, _submodule_depth(bench.options))
    object_format = "sha256" if len(submodule.commit) == _SHA256_LENGTH else "sha1"
    repository, _ = _materialize(bench, git, wanted, target, object_format)
    _clone_submodules(bench, repository, log)


def _git_for(bench: _Bench, submodule: Submodule) -> GitProgram:
    remote, _ = parse_url(submodule.url)
    if remote.protocol == "file" and bench.git.remote.protocol != "file":
        raise TaskFailed(f"a repository of the network may not bring in '{remote.url}' of this machine")
    known = bench.credentials if remote.is_same_server(bench.git.remote) else None
    return replace(bench.git, remote=remote, credentials=known, ssh=bench.ssh.access_to(remote))


def _submodule_depth(options: CloneOptions) -> int | None:
    return None if options.commit or options.tag else options.depth
