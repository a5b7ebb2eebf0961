"""The flows of `flows/` by name: `deployments/flows.py:company_team_hello` is the flow hello of company.team."""

from pathlib import Path

from wdprefect.on_prefect.entrypoints import lazy_flows

__getattr__ = lazy_flows(Path(__file__).parent / "flows")
