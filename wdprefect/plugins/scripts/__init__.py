"""`io.kestra.plugin.scripts`: commands and scripts of all languages."""
