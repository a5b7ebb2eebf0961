"""The only room that imports Prefect: flows, engine, artifacts, blocks and the local server."""
