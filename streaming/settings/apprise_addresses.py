"""Whether Apprise knows an address, without a word of it in any log."""

import logging

import apprise


def is_known(address: str) -> bool:
    """True if a service can be made of it; nothing is sent."""
    logger = logging.getLogger("apprise")
    silent, logger.disabled = logger.disabled, True
    try:
        return apprise.Apprise.instantiate(address, suppress_exceptions=True) is not None
    finally:
        logger.disabled = silent
