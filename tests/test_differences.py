"""What docs/differences.md says of our side: each row has a test, here or where its subject is tested."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.named import is_test
from tests.running import CORE, SCRIPTS, messages, run_tasks, states
from wdprefect.expressions import Expressions

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "differences.md"

TESTS: dict[str, list[str]] = {
    "`outputFiles`, LocalFiles `outputs`": [
        "plugins/scripts/test_files.py::test_shared_directory",
        "plugins/core/test_leaves.py::test_local_files",
    ],
    "outputs of a WorkingDirectory": ["test_differences.py::test_outputs_of_a_directory"],
    "`outputFiles` of a WorkingDirectory that match nothing": ["cases/test_outputs.py::test_no_file_matches"],
    "the folder of a script task": [
        "cases/test_outputs.py::test_files_stay_after_they_were_stored",
        "plugins/scripts/test_files.py::test_shared_directory",
    ],
    "numbers in `inputFiles`, line ends behind a URI": ["cases/test_files.py::test_input_files"],
    "`errors` of a WorkingDirectory": ["cases/test_children.py::test_handlers_work_in_the_directory"],
    "`runIf` of a child that cannot be read": ["cases/test_children.py::test_states"],
    "`retry` of a child": ["test_differences.py::test_retry_of_a_child"],
    "`timeout`, `finally` of a WorkingDirectory": [
        "plugins/scripts/test_ending.py::test_timeout_of_a_directory",
        "plugins/scripts/test_ending.py::test_after_the_timeout_of_a_directory",
        "test_differences.py::test_finally_of_a_directory",
    ],
    "`cache` of a WorkingDirectory": ["flows/err/wd205-cache.yaml"],
    "a failure before the first child": ["test_differences.py::test_failure_before_the_first_child"],
    "flowables in a WorkingDirectory": ["flows/ok/directory.yaml", "flows/err/wd310-directories.yaml"],
    "a template that does not parse": ["flows/err/wd320-templates.yaml"],
    "`read`, `fileSize`, `fileExists` of a file of another run": [
        "execution/test_services.py::test_own_files",
        "execution/test_services.py::test_files_of_others",
    ],
    "`http()`: lists in `query` and `headers`, answers that are no JSON": [
        "expressions/test_http.py::test_request",
        "expressions/test_http.py::test_repeated_headers",
        "expressions/test_http.py::test_answer",
    ],
    "`jq`": ["expressions/test_jq.py::test_bounds", "expressions/test_jq.py::test_alone_in_its_process"],
    "`fromIon` of bytes": ["expressions/test_ion.py::test_read"],
    "`subflow()`, `credential()`, `appLink()`, `assets()`": ["flows/err/wd321-refused.yaml"],
    "names, filters and arguments in templates that exist nowhere": [
        "flows/err/wd321-calls.yaml",
        "flows/err/wd322-arguments.yaml",
        "flows/err/wd323-names.yaml",
        "flows/err/wd324-order.yaml",
        "flows/err/wd325-outputs.yaml",
        "loader/test_checks.py::test_names",
    ],
    "`retry` and a template that fails": ["flows/ok/retry.yaml"],
    "YAML anchors, aliases, `<<`": ["flows/err/wd106-references.yaml"],
    "unknown properties with plugin defaults": ["flows/err/plugin-defaults.yaml"],
    "undeclared inputs": ["execution/test_inputs.py::test_refused"],
    "file names with `..`, symbolic links that leave": [
        "plugins/core/test_bad_input.py::test_file_names",
        "plugins/core/test_bad_input.py::test_links",
        "plugins/core/test_bad_input.py::test_links_are_not_captured",
    ],
    "environment of processes": ["plugins/scripts/test_commands.py::test_environment_lacks_secrets"],
    "ending a process": [
        "workspace/test_process.py::test_grace_is_for_the_whole_group",
        "workspace/test_process.py::test_stop_of_who_ignores_it",
        "workspace/test_process.py::test_stop_of_who_left_the_group",
    ],
    "standard input of processes": ["test_differences.py::test_standard_input"],
    "Docker: containers of a WorkingDirectory": [
        "plugins/scripts/test_docker.py::test_isolation",
        "workspace/containers/test_shared.py::test_one_container",
    ],
    "Docker: the user of a container": [
        "plugins/scripts/test_docker.py::test_property",
        "plugins/scripts/test_docker.py::test_user",
    ],
    "Docker: files deleted in a container": [
        "plugins/scripts/test_docker.py::test_files_of_a_directory",
    ],
    "Docker: `volumes`": [
        "flows/err/wd411-beyond.yaml",
        "plugins/scripts/test_allowed.py::test_refused_when_it_runs",
        "plugins/scripts/test_allowed.py::test_volume",
        "plugins/scripts/test_allowed.py::test_socket",
    ],
    "Docker: `host`, `privileged`, `networkMode: host`": [
        "flows/err/wd411-beyond.yaml",
        "plugins/scripts/test_allowed.py::test_refused_when_it_runs",
        "plugins/scripts/test_allowed.py::test_privileged_and_host",
        "plugins/scripts/test_allowed.py::test_host_network",
    ],
    "Docker: `portBindings` without an address": [
        "plugins/scripts/test_docker.py::test_ports",
    ],
    "Docker: credentials": [
        "plugins/scripts/test_credentials.py::test_nowhere_to_be_seen",
        "workspace/containers/test_registries.py::test_no_other_registry",
    ],
    "Docker: programs that know passwords, in `config`": [
        "plugins/scripts/test_docker_refused.py::test_wrong_value",
    ],
    "Docker: pulls that fail": [
        "workspace/containers/test_images.py::test_registry_that_is_down_at_first",
        "workspace/containers/test_images.py::test_missing",
        "workspace/containers/test_images.py::test_denied",
    ],
    "Docker: ending a command": [
        "plugins/scripts/test_docker.py::test_kill_grace_period",
    ],
    "Docker: labels of containers": [
        "plugins/scripts/test_docker.py::test_labels",
    ],
    "Docker: no engine answers": [
        "plugins/scripts/test_allowed.py::test_no_engine",
        "on_prefect/test_containers.py::test_deployed_without_an_engine",
    ],
    "the default runner": ["test_differences.py::test_default_runner", "cli/test_run.py::test_runner"],
    "the file of a script": [
        "plugins/scripts/test_files.py::test_output_files",
        "plugins/scripts/test_languages.py::test_nothing_stays",
        "plugins/scripts/test_languages.py::test_node",
    ],
    "the output of `beforeCommands`": ["plugins/scripts/test_as_in_kestra.py::test_shell"],
    "the level of lines on standard error": ["plugins/scripts/test_as_in_kestra.py::test_shell"],
    "`targetOS: WINDOWS`": ["flows/err/wd205-scripts.yaml"],
    "scripts: `taskCache`, `assets`, `workerGroup`, `workerSelector`, `uvInstallerVersion` …": [
        "flows/err/wd205-scripts.yaml"
    ],
    "variables that a language brings, such as `PYTHONPATH`": [
        "plugins/scripts/test_python.py::test_env_wins",
        "plugins/scripts/test_dependencies.py::test_python_path",
    ],
    "Python `dependencies`": [
        "plugins/scripts/test_dependencies.py::test_kept",
        "plugins/scripts/test_dependencies.py::test_renewed",
    ],
    "Python `dependencies` without a wheel, in a container": [
        "plugins/scripts/test_dependencies_in_containers.py::test_no_wheel"
    ],
    "`pythonVersion` of a process": ["plugins/scripts/test_dependencies.py::test_version"],
    "`from kestra import Kestra`": ["plugins/scripts/test_kestra_module.py::test_gives_way"],
    "`Kestra.timer` of a function": ["plugins/scripts/test_kestra_module.py::test_in_a_task"],
    "three lines before a Python script": [
        "plugins/scripts/test_python.py::test_traceback",
        "test_differences.py::test_words_of_json",
    ],
    "what templates make of a secret": [
        "expressions/test_secrecy.py::test_printed",
        "execution/test_leaks.py::test_filters",
    ],
    "secrets of four and five characters": ["masking/test_masker.py::test_text"],
    "git: branches": ["plugins/git/test_clone.py::test_extent"],
    "git: a `.git` that was there": ["plugins/git/test_trust.py::test_git_directory_that_was_there"],
    "git: host keys over ssh": [
        "plugins/git/test_ssh.py::test_host_key",
        "plugins/git/test_ssh_key.py::test_host_key",
        "plugins/git/test_ssh_key.py::test_unchecked",
    ],
    "git: credentials and ssh keys": [
        "plugins/git/test_access.py::test_redirect_to_another_host",
        "plugins/git/test_access.py::test_credentials_in_the_url",
        "plugins/git/test_ssh_submodules.py::test_another_host",
        "plugins/git/test_ssh_leaks.py::test_seen_while_it_runs",
    ],
    "git: a text as `privateKey` that is no key": [
        "plugins/git/test_private_key.py::test_no_key",
        "plugins/git/test_private_key.py::test_pasted",
    ],
    "git: the ssh configuration of the worker's user, with a `privateKey`": [
        "plugins/git/test_ssh_key.py::test_configuration_of_the_worker"
    ],
    "git: `privateKey` for a url that is none of ssh": ["plugins/git/test_ssh_key.py::test_another_protocol"],
    "git: `passphrase` without `privateKey`": ["plugins/git/test_ssh_key.py::test_not_let_in"],
    "git: `trustedCaPemPath`": ["plugins/git/test_https.py::test_trusted"],
    "git: `cache`": ["flows/err/wd205-unsupported.yaml"],
    "the filters `sort`, `rsort` and `reverse`": ["test_differences.py::test_filters_change_their_template_alone"],
    "whole numbers in templates": ["expressions/test_operators.py::test_operators"],
    "texts with `<`, `>`": ["expressions/test_operators.py::test_operators"],
    "`replace` and `escapeChar` of a null in a list": ["expressions/test_filters.py::test_filters"],
    "`date` with a locale that does not exist": ["expressions/test_dates.py::test_unknown_locale"],
    "dates before the year 1 and after 9999": ["expressions/test_dates.py::test_what_is_a_moment"],
    "`(?i)` in regular expressions": ["expressions/test_regexes.py::test_patterns"],
    "templates that take memory or time without end": [
        "expressions/test_limits.py::test_run_too_large",
        "expressions/test_regexes.py::test_time",
    ],
    "git: settings of the machine and the user, hooks, filters": [
        "plugins/git/test_trust.py::test_settings_of_the_user",
        "plugins/git/test_settings.py::test_settings_around_a_clone",
        "plugins/git/test_trust.py::test_repository_with_filters_and_local_attributes",
        "plugins/git/test_clone.py::test_large_file_pointers_stay",
    ],
    "FILE inputs of a deployment": ["execution/test_file_inputs.py::test_of_a_deployment"],
    "`steps` of a WorkingDirectory": ["on_prefect/test_bars.py::test_steps"],
    "`namespaceFiles`: patterns such as `*.py`": ["workspace/test_namespace_files.py::test_patterns"],
    "`namespaceFiles`: files of one name in several namespaces": ["workspace/test_namespace_files.py::test_order"],
    "`namespaceFiles`: `ifExists: WARN`": [
        "plugins/core/test_namespace_files.py::test_warning_is_seen",
        "workspace/test_namespace_files.py::test_warnings",
    ],
    "`namespaceFiles`: what is no name of a namespace": ["workspace/test_namespace_files.py::test_refused"],
    "namespace files in `.git`, `__pycache__` and the like": ["storage/test_namespaces.py::test_left_out"],
    "UploadFiles: a URI in `filesMap` without a file": ["plugins/core/test_namespace.py::test_refused"],
    "UploadFiles, DeleteFiles where the namespace is in a folder": ["plugins/core/test_namespace.py::test_folder"],
    "`fileExists` of a folder of a namespace": ["plugins/core/test_namespace_files.py::test_expressions"],
    "a result larger than a queue message": ["test_differences.py::test_large_result"],
    "S3: `forcePathStyle`, `compatibilityMode`": ["plugins/aws/test_connection.py::test_addresses"],
    "S3: `stsRoleArn` with `accessKeyId`": ["plugins/aws/test_connection.py::test_role"],
    "S3: half of the credentials": [
        "flows/err/wd330-triggers.yaml",
        "execution/test_triggers.py::test_refused",
    ],
    "S3: `credentialsBlock`": [
        "on_prefect/test_credentials_block.py::test_tasks",
        "flows/err/wd202-credentials-block.yaml",
    ],
    "S3: ETags": [
        "plugins/aws/test_listing.py::test_what_is_known",
        "plugins/aws/test_objects.py::test_unquoted",
    ],
    "S3: `owner` of listed objects": ["plugins/aws/test_listing.py::test_what_is_known"],
    "S3: `maxKeys`": ["plugins/aws/test_listing.py::test_limits_are_said"],
    "S3 Download: `key` beside `prefix`, `delimiter` or `regexp`": ["flows/err/wd330-triggers.yaml"],
    "S3 Downloads: no `action`": ["plugins/aws/test_downloads.py::test_files"],
    "S3 Downloads: `action: MOVE`": [
        "plugins/aws/test_downloads.py::test_action",
        "model/test_keys.py::test_moved",
    ],
    "S3 Downloads: an action that fails half way": [
        "plugins/aws/test_downloads.py::test_nothing_is_deleted_before_all_is_copied",
    ],
    "S3 Downloads: an object that is overwritten before it is moved or deleted": [
        "plugins/aws/test_downloads.py::test_overwritten_before_it_is_moved",
        "plugins/aws/test_downloads.py::test_what_came_later_stays",
    ],
    "S3 Upload: files of one name in a list": ["plugins/aws/test_uploads.py::test_refused"],
    "S3 Upload: a key that ends with `/`, for one file": ["plugins/aws/test_uploads.py::test_from"],
    "S3 Upload: `checksum`, `contentLength` for several files": ["plugins/aws/test_uploads.py::test_refused"],
    "S3 Copy: `delete: true` onto itself": ["plugins/aws/test_copying.py::test_onto_itself"],
    "S3 DeleteList": [
        "plugins/aws/test_deleting.py::test_more_than_a_request",
        "plugins/aws/test_deleting.py::test_server_that_deletes_one_by_one",
    ],
    "S3: `assets`, `taskCache`, `workerGroup`": ["flows/err/wd330-triggers.yaml"],
    "S3 Trigger: `conditions`, `stopAfter`, `logLevel` …": [
        "flows/err/wd330-triggers.yaml",
        "plugins/aws/test_trigger.py::test_not_supported",
    ],
    "S3 Trigger: `action: MOVE` without `moveTo`": ["flows/err/wd330-triggers.yaml"],
    "S3 Trigger: an archive, or a task that writes, below the watched prefix": [
        "flows/err/wd331-archives.yaml",
        "flows/err/wd332-loops.yaml",
    ],
    "S3 Trigger: a flow that reads one of several objects": ["flows/ok/arrivals.yaml"],
    "templates in triggers that do not parse, or name what exists nowhere": ["flows/err/wd330-triggers.yaml"],
    "S3 Trigger: `filter` and `regexp`": ["intake/test_traps.py::test_folder_marker"],
    "S3 Trigger: `maxKeys`, `maxFiles`": [
        "intake/test_traps.py::test_more_than_max_files",
        "intake/test_traps.py::test_more_than_max_keys",
    ],
    "S3 Trigger: `action`": [
        "intake/test_listener.py::test_move",
        "intake/test_listener.py::test_delete",
        "intake/test_listener.py::test_failed_runs",
    ],
    "S3 Trigger: templates in `moveTo.key`": ["intake/test_traps.py::test_templates_are_rendered_anew"],
    "S3 Trigger: the key in an archive": [
        "intake/test_traps.py::test_equal_names",
        "intake/test_traps.py::test_kestras_names",
    ],
    "S3 Trigger: an object counts as seen": ["intake/test_fares.py::test_work_that_fails_is_in_the_book"],
    "S3 Trigger: the same content uploaded again after MOVE": ["intake/test_traps.py::test_same_content_again"],
    "S3 Trigger: `onFailure.moveTo`": [
        "intake/test_listener.py::test_failures_have_a_place",
        "flows/err/wd330-triggers.yaml",
    ],
    "S3 Trigger: `allowConcurrent: true`": [
        "intake/test_duties.py::test_runs_at_a_time",
        "intake/test_listener.py::test_limit",
    ],
    "S3 Trigger: `owner`, `checksumAlgorithm` of `trigger.objects`": [
        "intake/test_records.py::test_what_only_listings_tell",
        "intake/test_records.py::test_kind_of_checksum",
    ],
    "S3 Trigger: a failed run": [
        "intake/test_listener.py::test_failed_runs",
        "intake/test_listener.py::test_failures_have_a_place",
        "intake/test_fares.py::test_replay_of_what_was_moved",
    ],
}


def test_every_row_has_one() -> None:
    """The rows of the page are the entries of the table, and the tests it names exist."""
    rows = [line.split("|")[1].strip() for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    assert sorted(set(rows) - {"what"}) == sorted(TESTS)
    assert [] == [name for names in TESTS.values() for name in names if not is_test(name)]


def test_outputs_of_a_directory() -> None:
    """A directory whose files cannot be kept has failed, although all its tasks succeeded."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          outputFiles: ["*.txt"]
          tasks:
            - {{id: makes, type: {SCRIPTS}.shell.Commands, commands: ["touch $(printf '\\\\377').txt"]}}
        """)

    assert {"shared": "FAILED", "makes": "SUCCESS"} == states(execution)
    assert execution.error is not None
    assert re.search(r"task 'shared': .*\.txt", execution.error)


def test_retry_of_a_child() -> None:
    """A child that is tried again finds the directory as it left it, and the tasks behind it run."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {{id: first, type: {SCRIPTS}.shell.Commands, commands: ["echo first > first.txt"]}}
            - id: second
              type: {SCRIPTS}.shell.Commands
              retry: {{type: constant, interval: PT0.01S, maxAttempts: 3}}
              commands: ["cat first.txt", "echo tried >> tries.txt", "test $(wc -l < tries.txt) = 2"]
            - {{id: third, type: {SCRIPTS}.shell.Commands, commands: ["cat tries.txt"]}}
        """)

    assert ("SUCCESS", ["tried", "tried"]) == (execution.state, messages(execution, "third"))
    assert [1, 2, 1] == [len(run.attempts) for run in execution.task_runs if run.label != "shared"]


@pytest.mark.parametrize(
    ("how", "state"),
    [
        pytest.param("commands: ['true']", "SUCCESS", id="after a success"),
        pytest.param("commands: ['false']", "FAILED", id="after a failure"),
        pytest.param("timeout: PT0.1S, commands: ['exec sleep 20']", "FAILED", id="after the timeout of a child"),
    ],
)
def test_finally_of_a_directory(how: str, state: str) -> None:
    """The `finally` of a directory runs in it, however its tasks ended, and the run ends."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          inputFiles: {{here.txt: here}}
          tasks:
            - {{id: child, type: {SCRIPTS}.shell.Commands, {how}}}
          finally:
            - {{id: last, type: {SCRIPTS}.shell.Commands, commands: ["cat here.txt"]}}
        """)

    assert (state, ["here"]) == (execution.state, messages(execution, "last"))


def test_failure_before_the_first_child() -> None:
    """When the files of a directory cannot be brought in, its `errors` and `finally` run."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          inputFiles: {{missing.txt: "kestra:///team/made/nothing.txt"}}
          tasks:
            - {{id: never, type: {CORE}.log.Log, message: never}}
          errors:
            - {{id: handler, type: {CORE}.log.Log, message: handled}}
          finally:
            - {{id: last, type: {CORE}.log.Log, message: ended}}
        """)

    assert {"shared": "FAILED", "handler": "SUCCESS", "last": "SUCCESS"} == states(execution)


@pytest.fixture
def _open_input() -> Iterator[None]:
    """The standard input of this process is a pipe to which nobody writes."""
    saved, (end, other) = os.dup(0), os.pipe()
    os.dup2(end, 0)
    yield
    os.dup2(saved, 0)
    for descriptor in (saved, end, other):
        os.close(descriptor)


@pytest.mark.usefixtures("_open_input")
def test_standard_input() -> None:
    """A program that reads its standard input finds it empty, and does not wait."""
    execution = run_tasks(f"""
        - {{id: reads, type: {SCRIPTS}.shell.Commands, timeout: PT20S, commands: ["cat", "echo behind"]}}
        """)

    assert ("SUCCESS", ["behind"]) == (execution.state, messages(execution, "reads"))


def test_default_runner() -> None:
    """A task that names neither a runner nor an image runs as a process of this machine."""
    execution = run_tasks(f"""
        - {{id: look, type: {SCRIPTS}.shell.Commands, commands: ["test -f '{PAGE}' && echo seen"]}}
        """)

    assert ("SUCCESS", ["seen"]) == (execution.state, messages(execution, "look"))


def test_words_of_json() -> None:
    """Rendered JSON can stand in a Python script, whose first line is line 1."""
    execution = run_tasks(f"""
        - id: script
          type: {SCRIPTS}.python.Script
          script: |
            import inspect; print([true, false, null], inspect.currentframe().f_lineno)
        """)

    assert ("SUCCESS", ["[True, False, None] 1"]) == (execution.state, messages(execution, "script"))


@pytest.mark.parametrize(("name", "changed"), [("sort", "[1,2,3]"), ("rsort", "[3,2,1]"), ("reverse", "[1,3,2]")])
def test_filters_change_their_template_alone(name: str, changed: str) -> None:
    """What holds a list that `sort` changes holds the changed one in the rest of the template, and nowhere else."""
    variables = {"l": [2, 3, 1], "m": {"l": [2, 3, 1]}}
    text = Expressions().render(f"{{% set k = l %}}{{{{ l | {name} }}}} {{{{ l }}}} {{{{ k }}}}", variables)
    inner = Expressions().render(f"{{{{ m.l | {name} }}}} {{{{ m.l }}}}", variables)
    assert (f"{changed} {changed} {changed}", f"{changed} [2,3,1]") == (text, inner)
    assert {"l": [2, 3, 1], "m": {"l": [2, 3, 1]}} == variables


def test_large_result() -> None:
    """What a task delivers may be larger than a message of Kestra's queue, which is ten megabytes at most."""
    size = 11_000_000
    execution = run_tasks(f"""
        - id: makes
          type: {SCRIPTS}.python.Script
          script: |
            import json
            for i in range(11):
                print("::" + json.dumps({{"outputs": {{f"part{{i}}": "x" * {size // 11}}}}}) + "::")
        - {{id: sees, type: {CORE}.debug.Return, format: "{{{{ outputs.makes.vars.part10 | length }}}}"}}
        """)

    assert ("SUCCESS", str(size // 11)) == (execution.state, execution.task_outputs["sees"]["value"])
    assert size < len(json.dumps(execution.task_outputs["makes"]["vars"]))
