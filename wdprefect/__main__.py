"""`python -m wdprefect`."""

from wdprefect.cli import entry

if __name__ == "__main__":
    entry()
