"""What to do when Redis refuses or cannot be reached, by what redis-py says. Pure."""

_ADVICE: tuple[tuple[str, str], ...] = (
    ("certificate has expired", "renew the server's certificate"),
    ("Hostname mismatch", "the certificate must name the host as redis.url does"),
    ("IP address mismatch", "the certificate must name the address as redis.url does"),
    ("CERTIFICATE_VERIFY_FAILED", "redis.tls.ca_file must hold who signed its certificate"),
    ("WRONG_VERSION_NUMBER", "no TLS is spoken there: write redis:// instead of rediss://"),
    ("UNKNOWN_CA", "the server does not know who signed redis.tls.certificate_file"),
    ("CERTIFICATE_REQUIRED", "set redis.tls.certificate_file and redis.tls.key_file"),
    ("CERTIFICATE_EXPIRED", "renew redis.tls.certificate_file"),
    ("KEY_VALUES_MISMATCH", "redis.tls.key_file does not belong to redis.tls.certificate_file"),
    ("WRONGPASS", "correct redis.username or redis.password"),
    ("invalid username-password pair", "correct redis.username or redis.password"),
    ("invalid password", "correct redis.password"),
    ("without any password configured", "it has no password: unset redis.password"),
    ("Authentication required", "set redis.password"),
    ("has no permissions", "give its user the right (docs/secured-servers.md names all)"),
    ("No permissions", "give its user the right (docs/secured-servers.md names all)"),
    ("names a master", "correct the master's name in redis.url, or wait for the election"),
    ("cluster support disabled", "it is no Cluster: write redis:// instead of redis-cluster://"),
    ("MOVED", "it is a Cluster: write redis-cluster:// instead of redis://"),
    ("Connection closed by server", "if it speaks TLS alone, write rediss://"),
    ("reset by peer", "if it speaks TLS alone, write rediss://"),
    ("DB index is out of range", "name a database that it has"),
)

_ENDED = ("EOF occurred", "Connection closed by server", "reset by peer", "Broken pipe")
"""What TLS makes of a server that wants a certificate and closes faster than it says so."""


def advice(exc: Exception, *, tls: bool) -> str:
    """A few words for whoever runs it; the most specific first."""
    said = str(exc)
    if tls and "Timeout connecting" in said:
        # Redis waits for the end of what it reads as a command.
        return "if it speaks no TLS, write redis:// instead of rediss://"
    if tls and any(sign in said for sign in _ENDED):
        return (
            "it ended the TLS connection, as one does that wants a client certificate: set "
            "redis.tls.certificate_file and redis.tls.key_file to a pair that it accepts"
        )
    return next((todo for sign, todo in _ADVICE if sign in said), "`trafficmon up` starts one")
