"""SMPP 3.4 with the 5.0 additions, without sockets: bytes in, events out, time is an argument.

Here live the codec (pdu, bodies, tlv, status, times), what a link may do in which state (commands),
and the two roles of a session (client, server) on one engine (session). What happens is told in
`events`. Sockets, clocks, databases and carrier habits never live here.
"""
