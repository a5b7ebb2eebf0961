"""`io.kestra.plugin.aws`."""
