"""`io.kestra.plugin.git`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from wdprefect.model.context import RunContext
from wdprefect.model.node import Bool, Int, Map, Text
from wdprefect.model.ports import Workspace
from wdprefect.model.task import Leaf, TaskOutputs
from wdprefect.plugins.git._clone import CloneOptions, clone
from wdprefect.plugins.git._ssh import SshOptions


class Clone(Leaf):
    """Check out a git repository in the working directory, which may hold other files.

    The content lies directly in the directory, or in `directory` below it. One branch is fetched, `depth` commits deep.
    Credentials never reach the URL, the repository's settings, an argument or an error. Files of Git LFS stay pointers.

    Over https, `username` and `password` (or a token) log in. `trustedCaPemPath` names a PEM file of the worker, or one
    in the working directory; its certificates are trusted besides those of the system. With `noProxy: true` the proxies
    of the worker's environment are not used.

    Over ssh, `privateKey` logs in: the text of an OpenSSH, PEM or PKCS#8 key, with its `passphrase` if it has one. The
    keys, the agent and the ssh configuration of the worker's user are not used then (a command in its GIT_SSH_COMMAND
    is); without `privateKey` they are. The host must be one that the worker's user knows, or one of `knownHosts`: lines
    as `ssh-keyscan` prints them, which count alone. `strictHostKeyChecking: false` believes whoever answers as the
    repository's host, and logs a warning.

    Password and key are for the repository's own host. A submodule (`cloneSubmodules`) on another one gets neither, nor
    a key of the worker's user where there is a `privateKey`.

    ```yaml
    id: clone
    namespace: company.team
    inputs:
      - id: repository
        type: STRING
    tasks:
      - id: directory
        type: io.kestra.plugin.core.flow.WorkingDirectory
        tasks:
          - id: code
            type: io.kestra.plugin.git.Clone
            url: "{{ inputs.repository }}"
          - id: look
            type: io.kestra.plugin.scripts.shell.Commands
            commands:
              - ls
    ```
    """

    unsupported: ClassVar[Mapping[str, str]] = {
        "cache": "leave it out: every run clones anew, one commit deep",
        "cacheTtl": "leave it out: every run clones anew, one commit deep",
    }

    url: Text
    directory: Text | None = None
    branch: Text | None = None
    tag: Text | None = None
    commit: Text | None = None
    depth: Int = Field(default=1, ge=1)
    clone_submodules: Bool = False
    clone_all_branches: Bool = False
    no_tags: Bool = False
    username: Text | None = None
    password: Text | None = None
    private_key: Text | None = None
    passphrase: Text | None = None
    known_hosts: Text | None = None
    strict_host_key_checking: Bool = True
    trusted_ca_pem_path: Text | None = None
    no_proxy: Bool = False
    git_config: Map[Text | None] = Field(default={})
    connect_timeout: Int = Field(default=10_000, ge=1)
    read_timeout: Int = Field(default=60_000, ge=1)

    class Outputs(TaskOutputs):
        """The directory's absolute path, and what was checked out."""

        directory: str
        commit: str
        branch: str | None = None

    def run(self, ctx: RunContext) -> TaskOutputs:
        workspace = ctx.workspace
        target = workspace.resolve(self.directory) if self.directory else workspace.path
        options = CloneOptions(
            url=self.url,
            branch=self.branch,
            tag=self.tag,
            commit=self.commit,
            depth=self.depth,
            username=self.username,
            password=self.password,
            ssh=SshOptions(
                private_key=self.private_key,
                passphrase=self.passphrase,
                known_hosts=self.known_hosts,
                checks_host_key=self.strict_host_key_checking,
            ),
            trusted_certificates=_file(self.trusted_ca_pem_path, workspace),
            no_proxy=self.no_proxy,
            clone_submodules=self.clone_submodules,
            all_branches=self.clone_all_branches,
            no_tags=self.no_tags,
            git_config=self.git_config,
            connect_timeout=timedelta(milliseconds=self.connect_timeout),
            read_timeout=timedelta(milliseconds=self.read_timeout),
        )
        cloned = clone(options, target, workspace, ctx.log, ctx.stop)
        return self.Outputs(directory=str(target), commit=cloned.commit, branch=cloned.branch)


def _file(name: str | None, workspace: Workspace) -> Path | None:
    """An absolute path is one of the worker, which the flow's author may name; any other stays in the directory."""
    if name is None or not name.strip():
        return None
    return Path(name.strip()) if name.strip().startswith("/") else workspace.resolve(name.strip())
