"""`io.kestra.plugin.scripts.runner`."""
