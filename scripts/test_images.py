"""Make the images that tests of containers use, from this machine's own files: no registry is asked.

`python scripts/test_images.py` makes what is missing or outdated in the Docker engine that DOCKER_HOST names, or in the
usual one, and prints it. The images are called wdprefect-test/…, and also what flows call them (`ubuntu`,
`python:3.13-slim`) unless the engine has such an image. All carry the label `wdprefect.test-image`, by which a stand-in
can be told from the real one. Made of a Debian machine's files; a static busybox is fetched where there is none.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias

from docker.client import DockerClient
from docker.errors import DockerException

LABEL = "wdprefect.test-image"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TOOLS = Path(__file__).resolve().parent.parent / ".tools"
SEARCH_PATH = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"
# Each with its mode and its owner.
DIRECTORIES = {"/tmp": (0o1777, 0), "/root": (0o700, 0), "/home/app": (0o755, 1000)}  # noqa: S108  not of this machine
PLAIN_DIRECTORIES = ("/dev", "/etc", "/proc", "/run", "/sys", "/var/log")
# Debian calls these essential: for a machine, not for a container.
NOT_ESSENTIAL = {"dpkg", "init-system-helpers", "login", "perl-base", "sysvinit-utils"}
# Programs of PyPI want libstdc++, which a real image has for apt.
MORE_PACKAGES = ("ca-certificates", "libc6", "libstdc++6", "mawk", "tzdata")
# Written when packages are installed: the lists of their files lack them.
MORE_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/nsswitch.conf", "/usr/bin/awk")
NOT_NEEDED = re.compile(r"/usr/share/(doc|man|locale|info|lintian|bash-completion|common-licenses)/|/gconv/")
NO_MODULES = re.compile(
    r"/(test|tests|idlelib|tkinter|turtledemo|lib2to3|site-packages|dist-packages|config-[^/]*)/"
    r"|/(_test|_ctypes_test|xxlimited|_tkinter)[^/]*$|\.opt-[12]\.pyc$|\.a$"
)
# Enough for commands, and nothing with which a process could leave its group.
FEW_TOOLS = ("cat", "chmod", "env", "ln", "ls", "mkdir", "rm", "sleep", "touch", "true")
PIP = b"#!/usr/local/bin/python3\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"
ENTRY = b'#!/bin/sh\necho "entry: $*"\nexec "$@"\n'


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link that this machine has not."""

    target: str


# What is in an image by its absolute path: a file or link of this machine, a content, a link.
Tree: TypeAlias = dict[str, "Path | bytes | Link"]


@dataclass(frozen=True, slots=True)
class Image:
    """settings: lines as of a Dockerfile. stands_for: what flows call it."""

    name: str
    tree: Callable[[], Tree]
    settings: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()


def main() -> int:
    """Make what is missing; 3 where the engine or the machine cannot."""
    if shutil.which("dpkg-query") is None:
        return given_up("the images are made of a Debian machine's files: run the tests of containers on one")
    # Processes of the tests ask for the images at the same time.
    with Path(tempfile.gettempdir(), f"wdprefect-test-images-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with closing(DockerClient.from_env(timeout=300)) as client:
                make_all(client)
        except DockerException as error:
            return given_up(f"the Docker engine fails, scripts/docker-engine.sh starts one: {error}")
        except subprocess.CalledProcessError as error:
            return given_up(f"{error}: {error.stderr}")
    return 0


def given_up(reason: str) -> int:
    """Say why nothing was made."""
    print(reason, file=sys.stderr)
    return 3


def make_all(client: DockerClient) -> None:
    """Make the images that the engine lacks, or has of other files, and give them their names."""
    there = {name: image.labels.get(LABEL) for image in client.images.list() for name in image.tags}
    for image in IMAGES:
        tree = image.tree()
        key = fingerprint(image, tree)
        if there.get(image.name) != key:
            make(client, image, tree, key)
            print(f"made {image.name}", flush=True)
        # One without the label is a real one.
        for name in (name for name in image.stands_for if name not in there or there[name] not in {None, key}):
            client.images.get(image.name).tag(name)
            print(f"made {name}, which stands for the real one")
    client.images.prune({"dangling": True, "label": LABEL})


def fingerprint(image: Image, tree: Tree) -> str:
    """What an image is made of, as one word: the same in every checkout, as long as the files are."""
    parts = [image.name, *image.settings, SEARCH_PATH, repr(DIRECTORIES)]
    # Byte code comes and goes.
    parts += [f"{name} {stamp(source)}" for name, source in sorted(tree.items()) if not name.endswith(".pyc")]
    return hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()[:16]


def stamp(source: Path | bytes | Link) -> str:
    """By what a change of it is seen; of a file its size and its time, which need no reading."""
    if isinstance(source, Path):
        found = source.lstat()
        return f"{found.st_mode} {found.st_size} {found.st_mtime_ns}"
    return source.target if isinstance(source, Link) else hashlib.sha256(source).hexdigest()


def make(client: DockerClient, image: Image, tree: Tree, key: str) -> None:
    """Import the image's files, and the libraries that they need."""
    repository, _, tag = image.name.partition(":")
    with tempfile.TemporaryFile() as file:
        write(with_libraries(tree), file)
        file.seek(0)
        changes = [SEARCH_PATH, f"LABEL {LABEL}={key}", *image.settings]
        # The client sends it in chunks, for which requests must not see that its length is known.
        client.api.import_image_from_stream(iter(lambda: file.read(2**20), b""), repository, tag, changes)
    client.images.get(image.name)


def busybox() -> Tree:
    """A static shell with its tools."""
    program = static_busybox()
    links = {f"/bin/{name}": Link("busybox") for name in output(str(program), "--list").split()}
    return {**accounts(), **links, "/bin/busybox": program}


def no_shell() -> Tree:
    """One static program with a few names; it does what it is called."""
    return {"/bin/echo": static_busybox(), **{f"/bin/{name}": Link("echo") for name in ("cat", "sleep", "true")}}


def no_setsid() -> Tree:
    """A shell with few tools: busybox's own would find `setsid` in itself."""
    tools = {f"/usr/bin/{name}": Path(f"/usr/bin/{name}") for name in FEW_TOOLS}
    return {**accounts(), **links_at_the_top(), **tools, "/usr/bin/sh": Path("/usr/bin/dash")}


def entry() -> Tree:
    """A shell behind an entry point that says what it was given."""
    return {**busybox(), "/entry": ENTRY}


@cache
def debian() -> Tree:
    """Debian's essential tools."""
    listed = output("dpkg-query", "--listfiles", *packages_of_debian()).splitlines()
    kept = [Path(name) for name in listed if os.path.lexists(name) and not NOT_NEEDED.search(name)]
    tree: Tree = {placed(path): path for path in kept if path.is_symlink() or not path.is_dir()}
    tree.update({name: Path(name).resolve() for name in MORE_FILES if Path(name).exists()})
    return {**tree, **accounts(), **links_at_the_top()}


def bash() -> Tree:
    """Debian's tools, with bash where its own sh is, as in images of Fedora."""
    return {**debian(), "/usr/bin/sh": Link("bash")}


def python() -> Tree:
    """Debian's tools, and the interpreter that runs this in /usr/local, with pip."""
    home, library = f"/usr/local/lib/python{VERSION}", sysconfig.get_path("stdlib")
    program = Path(sys.base_prefix, "bin", f"python{VERSION}").resolve()
    wheels = [*Path(library).glob("ensurepip/_bundled/pip-*.whl"), *Path("/usr/share/python-wheels").glob("pip-*.whl")]
    return {
        **debian(),
        **{f"{home}/{path.relative_to(library)}": path for path in modules(library)},
        **unpacked(wheels[0], f"{home}/site-packages"),
        f"/usr/local/bin/python{VERSION}": program,
        "/usr/local/bin/python3": Link(f"python{VERSION}"),
        "/usr/local/bin/python": Link("python3"),
        "/usr/local/bin/pip": PIP,
    }


IMAGES = (
    Image("wdprefect-test/busybox:latest", busybox, ('CMD ["sh"]',), ("busybox:latest", "alpine:latest")),
    Image("wdprefect-test/no-shell:latest", no_shell, ('CMD ["/bin/true"]',)),
    Image("wdprefect-test/no-setsid:latest", no_setsid, ('CMD ["sh"]',)),
    Image("wdprefect-test/entrypoint:latest", entry, ('ENTRYPOINT ["/entry"]', 'CMD ["sh"]')),
    Image("wdprefect-test/user:latest", busybox, ("USER app", "WORKDIR /home/app", 'CMD ["sh"]')),
    Image(
        "wdprefect-test/debian:latest",
        debian,
        ('CMD ["bash"]', "ENV LANG=C.UTF-8"),
        ("debian:latest", "debian:bookworm-slim", "ubuntu:latest"),
    ),
    Image("wdprefect-test/bash:latest", bash, ("ENV LANG=C.UTF-8",)),
    Image(
        f"wdprefect-test/python:{VERSION}",
        python,
        # pip trusts what this machine trusts.
        ('CMD ["python3"]', "ENV LANG=C.UTF-8", "ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt"),
        ("python:latest", "python:3", *(f"python:{each}" for each in (VERSION, "3.11-slim", "3.13-slim"))),
    ),
)


def modules(library: str) -> Iterator[Path]:
    """The modules of Python's own library, without those that nobody imports in a container."""
    for folder, below, names in os.walk(library):
        inside = folder.removeprefix(library)
        below[:] = [name for name in below if not NO_MODULES.search(f"{inside}/{name}/")]
        yield from (Path(folder, name) for name in names if not NO_MODULES.search(f"{inside}/{name}"))


@cache
def static_busybox() -> Path:
    """This machine's busybox, or one fetched from Debian and kept in .tools."""
    fetched = TOOLS / "busybox"
    for path in (fetched, Path("/bin/busybox")):
        if path.exists() and not libraries([path]):
            return path
    download = ["apt-get", "download", "-qq", "busybox-static"]
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(download, cwd=folder, capture_output=True, check=False).returncode:
            output("apt-get", "update", "-qq")
            output(*download, folder=folder)
        output("dpkg-deb", "--extract", *map(str, Path(folder).glob("*.deb")), folder)
        TOOLS.mkdir(exist_ok=True)
        shutil.copy2(next(Path(folder).glob("**/bin/busybox")), fetched)
    return fetched


def packages_of_debian() -> list[str]:
    """The packages in the image, as far as they are installed here."""
    known = output("dpkg-query", "--show", "--showformat", "${Package} ${Essential}\n").split("\n")
    essential = {line.removesuffix(" yes") for line in known if line.endswith(" yes")} - NOT_ESSENTIAL
    installed = {line.split()[0] for line in known if line}
    return sorted(essential | (set(MORE_PACKAGES) & installed))


def accounts() -> Tree:
    """Who is known in an image."""
    users = "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
    return {"/etc/passwd": users.encode(), "/etc/group": b"root:x:0:\napp:x:1000:\nnogroup:x:65534:\n"}


def links_at_the_top() -> Tree:
    """/bin and the like, where they are links here."""
    return {f"/{name}": Path(f"/{name}") for name in ("bin", "lib", "lib64", "sbin") if Path(f"/{name}").is_symlink()}


def placed(path: Path) -> str:
    """Where a path lies when links above it are followed."""
    return str(path.parent.resolve() / path.name)


def with_libraries(tree: Tree) -> Tree:
    """The tree, and the shared libraries that its programs load."""
    ours = Path("/usr/lib", sysconfig.get_config_var("MULTIARCH") or "")
    found: Tree = {}
    for path in libraries(path for path in tree.values() if isinstance(path, Path)):
        # There the loader looks without a cache; an interpreter may have its own library anywhere.
        name = placed(path) if placed(path).startswith("/usr/lib") else str(ours / path.name)
        found[name] = path.resolve()
    return {**found, **tree}


def libraries(files: Iterable[Path]) -> set[Path]:
    """What the loader of this machine would load for these files."""
    programs = [str(path) for path in files if path.is_file() and not path.is_symlink() and is_program(path)]
    listed = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout if programs else ""
    return {Path(name) for name in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listed, re.MULTILINE)}


def is_program(path: Path) -> bool:
    """Whether the file is a program or a library."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def unpacked(wheel: Path, folder: str) -> Tree:
    """The content of a wheel below a folder."""
    with zipfile.ZipFile(wheel) as archive:
        return {f"{folder}/{name}": archive.read(name) for name in archive.namelist()}


def write(tree: Tree, file: IO[bytes]) -> None:
    """Write the tree as a tar archive of root's files; modules keep their times, by which their byte code counts."""
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in sorted({*DIRECTORIES, *PLAIN_DIRECTORIES, *folders(tree)}):
            info = tarfile.TarInfo(name.lstrip("/"))
            info.type = tarfile.DIRTYPE
            info.mode, info.uid = DIRECTORIES.get(name, (0o755, 0))
            info.gid = info.uid
            tar.addfile(info)
        for name, source in sorted(tree.items()):
            add(tar, name.lstrip("/"), source)


def folders(tree: Tree) -> Iterator[str]:
    """All folders above what is in the tree."""
    for name in tree:
        yield from (str(path) for path in PurePosixPath(name).parents if path.name)


def add(tar: tarfile.TarFile, name: str, source: Path | bytes | Link) -> None:
    """Append one file or link."""
    if isinstance(source, Path):
        info = tar.gettarinfo(source, name)
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        with source.open("rb") if info.isreg() else BytesIO() as file:
            tar.addfile(info, file)
        return
    info = tarfile.TarInfo(name)
    if isinstance(source, Link):
        info.type, info.linkname = tarfile.SYMTYPE, source.target
        tar.addfile(info)
    else:
        info.size, info.mode = len(source), 0o755 if source.startswith(b"#!") else 0o644
        tar.addfile(info, BytesIO(source))


def output(*command: str, folder: str | None = None) -> str:
    """What a command prints. Raises CalledProcessError when it fails."""
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
