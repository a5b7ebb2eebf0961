"""The task types: `io.kestra.plugin.A.B.C` is class `C` of `wdprefect.plugins.A.B`."""
