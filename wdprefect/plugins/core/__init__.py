"""`io.kestra.plugin.core`: what every flow is made of."""
